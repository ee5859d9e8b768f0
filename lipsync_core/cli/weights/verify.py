"""`lipsync weights verify`: checksums of the weight files that are here."""

from __future__ import annotations

from rich.markup import escape

from lipsync_core.cli.console import print_json, stdout
from lipsync_core.cli.flags import Json
from lipsync_core.cli.transfer import ShownMeter
from lipsync_core.cli.weights.choosing import Names, chosen, demand, fail
from lipsync_core.errors import VerificationFailed
from lipsync_core.weights.entries import Entry
from lipsync_core.weights.verification import Verdict, verify

_COLOURS = {"whole": "green", "damaged": "bold red", "new": "cyan", "absent": "dim"}


def verify_weights(names: Names = None, as_json: Json = False) -> None:
    """Check weight files for damage.

    Reads the files that are here and compares their checksums with the publisher's, or else with those
    they had when they came. Exit code 0: no file is damaged. 4: files of a named plugin are missing. 8: a
    file is damaged.

    Examples: `lipsync weights verify`, `lipsync weights verify musetalk`
    """
    with ShownMeter() as meter:
        verdicts = [verify(entry, meter) for entry in chosen(names)]
    if as_json:
        print_json([_row(verdict) for verdict in verdicts])
    else:
        for v in verdicts:
            told = escape(f"{v.entry.label}: {v.detail}")
            stdout.print(f"[{_COLOURS[v.state]}]{v.state:>8}[/] {told}", soft_wrap=True)
    damaged = [v for v in verdicts if v.state == "damaged"]
    if damaged:
        first = damaged[0]
        error = VerificationFailed(
            f"{len(damaged)} weight files are damaged, the first is {first.path} ({first.detail}).",
            _repair(first.entry),
        )
        fail(error, as_json)
    if names:
        demand([v.entry for v in verdicts], as_json)


def _row(verdict: Verdict) -> dict[str, object]:
    return {
        "name": verdict.entry.name,
        "file": verdict.entry.weight.path,
        "state": verdict.state,
        "detail": verdict.detail,
        "path": verdict.path,
    }


def _repair(entry: Entry) -> str:
    """How to replace a damaged file."""
    if entry.weight.repository:
        return f"lipsync weights pull {entry.name} --file {entry.weight.path} --again"
    source = entry.weight.origin or "its publisher"
    return f"Get it again from {source}, then: lipsync weights import FILE"
