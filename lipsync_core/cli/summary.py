"""The short table at the end of a run, and the plan of a dry run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lipsync_core.cli.console import stderr, stdout
from lipsync_core.engine.record.report import report_path
from lipsync_core.evaluation.figures import rows


def show_summary(report: dict[str, Any]) -> None:
    """What ran and why, in a few rows; loudly when the embedded default had to serve."""
    out, faces, chain = report["output"], report["faces"], report["chain"]
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row("[bold]video", f"[bold]{escape(out['path'])}[/]")
    seconds = f"{out['seconds']:.2f} s"
    table.add_row(
        "frames", f"{out['frames']} ({seconds}), {faces['frames_with_new_mouth']} with a new mouth"
    )
    for span in faces["passthrough"][:4]:
        table.add_row("", f"passed through: {span['first']}-{span['last']} ({span['why']})")
    if len(faces["passthrough"]) > 4:
        table.add_row("", f"... and {len(faces['passthrough']) - 4} more spans, see the report")
    for name, words in _saved(report["saved"]).items():
        table.add_row(name, words)
    used = ", ".join(f"{name} ({frames} frames)" for name, frames in chain["used"].items())
    table.add_row("generator", used)
    for told in chain["notes"][:4]:
        table.add_row("", escape(f"{told['first']}-{told['last']}: {told['note']}"))
    if len(chain["notes"]) > 4:
        table.add_row("", f"... and {len(chain['notes']) - 4} more, see the report")
    table.add_row(
        "sound", f"{out['sound']}{' - ' + out['sound_note'] if out['sound_note'] else ''}"
    )
    speed = report["times_real_time"]
    cached = ", faces from the cache" if faces["from_cache"] else ""
    table.add_row("time", f"{report['total_seconds']:.1f} s, {speed:.2f} x real time{cached}")
    for licence in report["licences"]:
        if licence["commercial"] is False:
            words = f"{licence['kind']} {licence['name']}: {licence['weights']}"
            table.add_row("licence", f"[yellow]{escape(words)}[/]")
    table.add_row("report", escape(str(report_path(Path(out["path"])))))
    show_attempts(chain["attempts"])
    if chain["default_had_to_serve"]:
        stderr.print(
            "[bold yellow]None of the generators you asked for could do it all: "
            f"the embedded default '{chain['default']}' had to serve.[/]"
        )
    stderr.print(table)
    if "scorers" in report.get("evaluation", {}):
        show_figures(report["evaluation"], stderr)


def _saved(saved: dict[str, Any]) -> dict[str, str]:
    """What did not have to be computed, in words."""
    words = {}
    if saved["frames"]:
        why = ", ".join(f"{count} {name}" for name, count in saved["why"].items() if count)
        words["saved"] = f"{saved['frames']} frames not computed: {why}"
    frames, tracks = (saved["prepared"][kind] for kind in ("frames", "tracks"))
    known = []
    if frames["stored"] or tracks["stored"]:
        stored = {kind: counts["stored"] for kind, counts in saved["prepared"].items()}
        known.append(f"{counted(stored)} from the avatar")
    if frames["again"]:
        known.append(f"{counted({'frames': frames['again']})} came again")
    if known:
        words["prepared"] = f"before: {', '.join(known)}"
    return words


def counted(counts: dict[str, int]) -> str:
    """Numbers by kinds, in words: "75 frames and 1 track"."""
    words = [
        f"{number} {kind if number != 1 else kind.removesuffix('s')}"
        for kind, number in counts.items()
        if number
    ]
    return " and ".join(words) or "none"


def show_figures(told: dict[str, Any], console: Console) -> None:
    """An evaluation's figures as a table, and who could not score."""
    table = Table("by", "figure", "value", "meaning", box=None, padding=(0, 2, 0, 0))
    before = ""
    for group, key, value, meaning in rows(told):
        table.add_row(
            "" if group == before else group, key, f"{value:.4g}", f"[dim]{escape(meaning)}[/]"
        )
        before = group
    console.print(table)
    for name, why in told["not_scored"].items():
        stderr.print(f"[yellow]{name}[/]: {escape(why['reason'])}", soft_wrap=True)
        if why["hint"]:
            stderr.print(f"  [dim]{escape(why['hint'])}[/]", soft_wrap=True)


def show_plan(plan: dict[str, Any]) -> None:
    """The plan of `--dry-run`."""
    faces = plan["faces"]
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row("[bold]would make", f"[bold]{escape(plan['output'])}[/]")
    table.add_row(
        "frames", f"{plan['frames']} ({plan['seconds']:.2f} s) in {plan['segments']} segments"
    )
    table.add_row(
        "faces", f"{faces['tracks']} tracks in {faces['shots']} shots, by {faces['detector']}"
    )
    table.add_row(
        "new mouth",
        f"{faces['frames_with_new_mouth']} frames, {faces['frames_passed_through']} pass through",
    )
    chain = " -> ".join(f"{c['generator']} ({c['device']})" for c in plan["chain"])
    table.add_row("chain", chain)
    encoder = plan["encoder"]
    table.add_row(
        "encoder", " ".join(f"{k}={v}" if k != "name" else str(v) for k, v in encoder.items())
    )
    show_attempts(plan["unavailable"])
    stdout.print(table)


def show_attempts(attempts: list[dict[str, Any]]) -> None:
    """Which generators were tried and why they did not do it, each with its remedy."""
    for attempt in attempts:
        where = "" if attempt["shot"] is None else f" in shot {attempt['shot']}"
        stderr.print(
            f"[yellow]{attempt['generator']}[/] ({attempt['phase']}{where}): "
            f"{escape(attempt['reason'])}",
            soft_wrap=True,
        )
        if attempt["hint"]:
            stderr.print(f"  [dim]{escape(attempt['hint'])}[/]", soft_wrap=True)
