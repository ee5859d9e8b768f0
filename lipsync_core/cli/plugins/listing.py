"""`lipsync plugins list`: one line for each plugin, generators first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.markup import escape

from lipsync_core.cli.console import print_json, stdout
from lipsync_core.cli.flags import Json
from lipsync_core.cli.plugins.states import COLOURS, State, Word, state_of, state_of_row
from lipsync_core.kinds import KINDS, kind_of
from lipsync_core.registry import PluginRow, Registry
from lipsync_core.specs import CommandSpec, PluginSpec

_ORDER = [kind.name for kind in KINDS]
_COMMERCIAL = {True: "yes", False: "no", None: "not stated"}

_All = Annotated[
    bool, typer.Option("--all", "-a", help="Show package, licence, reason and remedy, too.")
]
_Probe = Annotated[bool, typer.Option("--probe", hidden=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One plugin of the list."""

    row: PluginRow
    spec: PluginSpec
    state: State


def list_plugins(show_all: _All = False, as_json: Json = False, probe: _Probe = False) -> None:
    """List plugins and whether they run.

    The states: ready; needs package, weights, device (a GPU, or memory) or setup; broken; disabled by the
    environment; conflict with another plugin.

    Examples: `lipsync plugins list`, `lipsync plugins list --all`
    """
    registry = Registry.load()
    listed = [
        Listed(row=row, spec=spec, state=state_of(spec))
        for row in registry.rows
        for spec in row.specs
        if isinstance(spec, PluginSpec)
    ]
    if as_json:
        print_json([_data(row, [one for one in listed if one.row is row]) for row in registry.rows])
        return
    listed.sort(key=lambda one: (_ORDER.index(one.spec.kind), one.state.word != "ready"))
    if show_all:
        _show_all(listed)
    else:
        _show(listed)
    _show_failed(registry.rows)


def _show(listed: list[Listed]) -> None:
    """A heading for each kind, and a line for each plugin, cut off at the width of a terminal."""
    names = max((len(one.spec.name) for one in listed), default=0)
    states = max((len(one.state.word) for one in listed), default=0)
    lines, kind = [], ""
    for one in listed:
        if one.spec.kind != kind:
            kind = one.spec.kind
            lines.append(f"[bold]{kind_of(one.spec).plural}[/]")
        state = _coloured(one.state.word, states)
        lines.append(f"  {one.spec.name:<{names}}  {state}  {escape(one.spec.summary)}")
    if any(one.state.word != "ready" for one in listed):
        lines.append("[dim]To see what they need: lipsync plugins list --all[/]")
    if stdout.is_terminal:
        stdout.print("\n".join(lines), no_wrap=True, overflow="ellipsis")
    else:
        _print(*lines)


def _show_all(listed: list[Listed]) -> None:
    """A paragraph for each plugin."""
    for one in listed:
        spec, state, row = one.spec, one.state, one.row
        package = f"{row.distribution or row.name} {row.version}".strip()
        colon = "" if state.word == "ready" else ":"
        facts = {
            "": escape(spec.summary),
            "state: ": f"{_coloured(state.word)}{colon} {escape(state.reason)}",
            "remedy: ": escape(state.remedy),
            "code: ": escape(spec.licence.code),
            "weights: ": escape(spec.licence.weights),
            "commercial use: ": _COMMERCIAL[spec.licence.commercial],
        }
        shown = [f"  {title}{text}" for title, text in facts.items() if text]
        _print(f"[bold]{spec.name}[/]  {spec.kind} of {escape(package)}", *shown)


def _show_failed(rows: Iterable[PluginRow]) -> None:
    """Packages that are broken, disabled or in conflict, with the reason and the remedy."""
    for row in rows:
        state = state_of_row(row)
        if state is not None:
            package = escape(f"{row.distribution or row.name} {row.version}".strip())
            told = f"{_coloured(state.word)}  {package}: {escape(state.reason)}"
            _print(told, f"  {escape(state.remedy)}")


def _coloured(word: Word, width: int = 0) -> str:
    return f"[{COLOURS[word]}]{word:<{width}}[/]"


def _print(*lines: str) -> None:
    """Write lines that are not cut off."""
    stdout.print("\n".join(lines), soft_wrap=True)


def _data(row: PluginRow, offers: list[Listed]) -> dict[str, Any]:
    return {
        "plugin": row.distribution or row.name,
        "version": row.version,
        "status": row.status,
        "reason": row.reason,
        "remedy": row.remedy,
        "offers": [_offer(one.spec, one.state) for one in offers]
        + [_verb(spec) for spec in row.specs if isinstance(spec, CommandSpec)],
    }


def _offer(spec: PluginSpec, state: State) -> dict[str, Any]:
    return {
        "kind": spec.kind,
        "name": spec.name,
        "summary": spec.summary,
        "weights": spec.licence.weights,
        "commercial": spec.licence.commercial,
        **state.as_dict(),
    }


def _verb(spec: CommandSpec) -> dict[str, Any]:
    return {"kind": spec.kind, "name": spec.name, "summary": spec.summary, "group": spec.group}
