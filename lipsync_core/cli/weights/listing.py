"""`lipsync weights list` and `lipsync weights path`."""

from __future__ import annotations

from typing import Any

import typer
from rich.markup import escape
from rich.table import Table

from lipsync_core.cli.console import print_json, stdout
from lipsync_core.cli.flags import Json
from lipsync_core.cli.sizes import size_in_words
from lipsync_core.cli.weights.choosing import Name, Names, chosen, demand
from lipsync_core.weights.entries import Entry
from lipsync_core.weights.location import folder
from lipsync_core.weights.remedy import remedy


def list_weights(names: Names = None, as_json: Json = False) -> None:
    """List the weight files of plugins.

    Shows size and licence of each file, whether it is here, and how to get it.

    Examples: `lipsync weights list`, `lipsync weights list wav2lip --json`
    """
    rows = sorted((_row(entry) for entry in chosen(names)), key=lambda row: str(row["name"]))
    if as_json:
        print_json(rows)
        return
    if not rows:
        stdout.print("No installed plugin has weight files.")
        return
    stdout.print(_table(rows))
    for name in dict.fromkeys(row["name"] for row in rows):
        _footnote(name, [row for row in rows if row["name"] == name])


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table("plugin", box=None, padding=(0, 2, 0, 0))
    table.add_column("file", overflow="fold")
    for title in ("size", "here", "commercial"):
        table.add_column(title)
    for row in rows:
        here = "[green]yes[/]" if row["here"] else ("optional" if row["optional"] else "[red]no[/]")
        table.add_row(
            f"[bold]{row['name']}[/]",
            escape(row["file"]),
            size_in_words(row["size"]),
            here,
            {True: "yes", False: "[yellow]no[/]", None: "not stated"}[row["commercial"]],
        )
    return table


def _footnote(name: str, rows: list[dict[str, Any]]) -> None:
    """Show the licences of a plugin's weights, and how to get the missing ones."""
    licences = " | ".join(dict.fromkeys(row["licence"] for row in rows))
    stdout.print(f"\n[bold]{name}[/]: {escape(licences)}", soft_wrap=True)
    absent = [row for row in rows if not row["here"] and not row["optional"]]
    if not any(row["here"] or not row["optional"] for row in rows):
        absent = rows[:1]
    for get in dict.fromkeys(row["get"] for row in absent):
        stdout.print(f"  {escape(get)}", soft_wrap=True)


def path_of(name: Name, as_json: Json = False) -> None:
    """Print where weight files are.

    One line for each file of NAME that is here.

    Example: `lipsync weights path wav2lip`
    """
    known = chosen([name])
    found = {entry.weight.path: path for entry in known if (path := entry.find())}
    if as_json:
        print_json({"folder": folder(known[0].spec), "files": found})
    else:
        for path in found.values():
            typer.echo(path)
    demand(known, as_json)


def _row(entry: Entry) -> dict[str, Any]:
    path, weight = entry.find(), entry.weight
    return {
        "name": entry.name,
        "kinds": entry.kinds,
        "file": weight.path,
        "size": path.stat().st_size if path else weight.size,
        "here": path is not None,
        "path": path,
        "optional": weight.optional,
        "licence": weight.licence,
        "commercial": entry.licence.commercial,
        "repository": weight.repository,
        "origin": weight.origin,
        "get": remedy(entry.name, [weight]),
    }
