"""`lipsync plugins info`: everything that a plugin declares."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from lipsync_core.cli.console import print_json, stdout
from lipsync_core.cli.flags import Json
from lipsync_core.cli.plugins.finding import find_specs
from lipsync_core.cli.plugins.states import state_of
from lipsync_core.registry import Registry
from lipsync_core.specs import PluginSpec, Spec

_EMPTY: tuple[object, ...] = ("", None, [], {}, ())
"""Values that are left out."""


def info(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A generator, detector, audio encoder, ...")
    ],
    as_json: Json = False,
) -> None:
    """Show everything that a plugin declares.

    And whether it runs here, or what it needs.

    Example: `lipsync plugins info viseme`
    """
    registry = Registry.load()
    told = [_facts(registry, spec) for spec in find_specs(registry, name)]
    if as_json:
        print_json(told)
        return
    for entry in told:
        title = f"{entry['kind']} {entry['name']}"
        table = Table(show_header=False, title=title, title_justify="left")
        for key, value in entry.items():
            if value not in _EMPTY:
                table.add_row(key.replace("_", " "), escape(_text(value)))
        stdout.print(table)


def _facts(registry: Registry, spec: Spec) -> dict[str, Any]:
    row = registry.row_of(spec)
    facts: dict[str, Any] = {
        "kind": spec.kind,
        "name": spec.name,
        "plugin": f"{row.distribution or row.name} {row.version}".strip(),
    }
    if isinstance(spec, PluginSpec):
        state = state_of(spec)
        here = "ready " if state.word == "ready" else "no: "
        facts |= {"state": state.word, "here": f"{here}{state.reason}", "hint": state.remedy}
    return facts | asdict(spec)


def _text(value: object) -> str:
    if isinstance(value, dict):
        told = {k: v for k, v in value.items() if k == "commercial" or v not in _EMPTY}
        return ", ".join(f"{k.replace('_', ' ')}: {_text(v)}" for k, v in told.items())
    if isinstance(value, list | tuple):
        between = "\n" if value and isinstance(value[0], dict) else ", "
        return between.join(_text(v) for v in value)
    return str(value)
