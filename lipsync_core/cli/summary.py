"""Tables: what a run did, the plan of a dry run, the figures of an evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lipsync_core.cli.console import stderr, stdout
from lipsync_core.engine.record.report import report_path
from lipsync_core.evaluation.figures import rows

_SHOWN = 4
"""Spans and notes that are shown; the report has all."""


def show_summary(report: dict[str, Any]) -> None:
    """Show what ran and why; say so first where the built-in generator had to step in."""
    chain = report["chain"]
    show_attempts(chain["attempts"])
    if chain["default_had_to_serve"]:
        stderr.print(
            "[bold yellow]The generators you asked for could not make the whole video: "
            f"the built-in generator '{chain['default']}' had to serve.[/]",
            soft_wrap=True,
        )
    stderr.print(_summary(report))
    if "scorers" in report.get("evaluation", {}):
        show_figures(report["evaluation"], stderr)


def _summary(report: dict[str, Any]) -> Table:
    out, faces, chain = report["output"], report["faces"], report["chain"]
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row("[bold]video", f"[bold]{escape(out['path'])}[/]")
    mouths = f"{faces['frames_with_new_mouth']} with a new mouth"
    table.add_row("frames", f"{out['frames']} ({out['seconds']:.2f} s), {mouths}")
    _add_some(
        table,
        [f"passed through: {s['first']}-{s['last']} ({s['why']})" for s in faces["passthrough"]],
    )
    _add_some(
        table,
        [
            f"face turned: {s['first']}-{s['last']} ({s['degrees']} degrees)"
            for s in faces["turned"]
        ],
    )
    for name, words in _saved(report["saved"]).items():
        table.add_row(name, words)
    used = ", ".join(f"{name} ({frames} frames)" for name, frames in chain["used"].items())
    table.add_row("generator", used)
    _add_some(table, [f"{n['first']}-{n['last']}: {n['note']}" for n in chain["notes"]])
    note = f" - {out['sound_note']}" if out["sound_note"] else ""
    table.add_row("sound", escape(f"{out['sound']}{note}"))
    cached = ", faces from the cache" if faces["from_cache"] else ""
    speed = f"{report['times_real_time']:.2f} x real time"
    table.add_row("time", f"{report['total_seconds']:.1f} s, {speed}{cached}")
    for licence in report["licences"]:
        if licence["commercial"] is False:
            words = f"{licence['kind']} {licence['name']}: {licence['weights']}"
            table.add_row("licence", f"[yellow]{escape(words)}[/]")
    _add_notes(table, report["notes"])
    table.add_row("report", escape(str(report_path(Path(out["path"])))))
    return table


def _add_notes(table: Table, notes: list[str]) -> None:
    """What was decided that the user may not expect."""
    for note in notes:
        table.add_row("note", f"[yellow]{escape(note)}[/]")


def _add_some(table: Table, lines: list[str]) -> None:
    """The first of several lines, and how many more there are."""
    for line in lines[:_SHOWN]:
        table.add_row("", escape(line))
    if len(lines) > _SHOWN:
        table.add_row("", f"... and {len(lines) - _SHOWN} more, see the report")


def _saved(saved: dict[str, Any]) -> dict[str, str]:
    """In words, what did not have to be computed."""
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
    """Show the figures of an evaluation, and which scorers could not run."""
    table = Table("by", "figure", "value", "meaning", box=None, padding=(0, 2, 0, 0))
    before = ""
    for group, key, value, meaning in rows(told):
        table.add_row(
            "" if group == before else group, key, f"{value:.4g}", f"[dim]{escape(meaning)}[/]"
        )
        before = group
    console.print(table)
    for note in told["notes"]:
        stderr.print(escape(note), soft_wrap=True)
    for name, why in told["not_scored"].items():
        stderr.print(f"[yellow]{name}[/]: {escape(why['reason'])}", soft_wrap=True)
        if why["hint"]:
            stderr.print(f"  [dim]{escape(why['hint'])}[/]", soft_wrap=True)


def show_plan(plan: dict[str, Any]) -> None:
    """Show the plan of `--dry-run`."""
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
    _add_notes(table, plan["notes"])
    show_attempts(plan["unavailable"])
    stdout.print(table)


def show_attempts(attempts: list[dict[str, Any]]) -> None:
    """Show which generators failed or could not run, why, and what to do about it."""
    for attempt in attempts:
        where = "" if attempt["shot"] is None else f" in shot {attempt['shot']}"
        stderr.print(
            f"[yellow]{attempt['generator']}[/] ({attempt['phase']}{where}): "
            f"{escape(attempt['reason'])}",
            soft_wrap=True,
        )
        if attempt["hint"]:
            stderr.print(f"  [dim]{escape(attempt['hint'])}[/]", soft_wrap=True)
