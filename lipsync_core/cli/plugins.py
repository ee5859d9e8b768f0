"""`lipsync plugins list|info|check|new`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from lipsync_core.contracts import Ready
from lipsync_core.errors import PluginFault, PluginUnavailable, UsageError
from lipsync_core.registry import PluginRow, Registry
from lipsync_core.registry.catalogue import CATALOGUE
from lipsync_core.registry.probing import probe
from lipsync_core.specs import PluginSpec

_EMPTY: tuple[object, ...] = ("", None, [], {}, ())
"""Values that `info` leaves out."""

app = typer.Typer(
    help="What is installed, what it can do, whether it runs here.", no_args_is_help=True
)


@app.command("list")
def list_plugins(
    as_json: Annotated[bool, typer.Option("--json", help="Plain data on stdout.")] = False,
    with_probe: Annotated[
        bool, typer.Option("--probe", help="Also say whether each could run here.")
    ] = False,
) -> None:
    """List plugins and what they offer; broken ones with the reason and the remedy.

    Examples: `lipsync plugins list`, `lipsync plugins list --probe`
    """
    from lipsync_core.cli.console import print_json, stdout

    registry = Registry.load()
    rows = [_row(row, with_probe) for row in registry.rows]
    if as_json:
        print_json(rows)
        return
    table = Table("name", "kind", "plugin", "commercial", box=None, padding=(0, 2, 0, 0))
    table.add_column("here" if with_probe else "what it does")
    for row in rows:
        for offer in row["offers"]:
            plugin = f"{row['plugin'].removeprefix('lipsync-')} {row['version']}".strip()
            commercial = {True: "yes", False: "no", None: "not stated"}[offer["commercial"]]
            told = escape(offer["here"]["text"] if with_probe else offer["summary"])
            table.add_row(f"[bold]{offer['name']}[/]", offer["kind"], plugin, commercial, told)
    stdout.print(table)
    for row in rows:
        if row["status"] != "ok":
            stdout.print(
                f"[red]{row['status']}[/] [bold]{row['plugin']}[/] {row['version']}: "
                f"{escape(row['reason'])}"
            )
            stdout.print(f"  {escape(row['remedy'])}")


@app.command("info")
def info(
    name: Annotated[str, typer.Argument(help="Name of a generator, detector, encoder, ...")],
    as_json: Annotated[bool, typer.Option("--json", help="Plain data on stdout.")] = False,
) -> None:
    """Show everything that a plugin declares, and whether it runs here.

    Example: `lipsync plugins info viseme`
    """
    from lipsync_core.cli.console import print_json, stdout

    registry = Registry.load()
    specs = find(registry, name)
    told = [_full(registry, spec) for spec in specs]
    if as_json:
        print_json(told)
        return
    for entry in told:
        table = Table(
            show_header=False, title=f"{entry['kind']} {entry['name']}", title_justify="left"
        )
        for key, value in entry.items():
            if value not in _EMPTY:
                table.add_row(key.replace("_", " "), escape(_text(value)))
        stdout.print(table)


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(help="Name of a plugin or of something it offers.")],
    as_json: Annotated[bool, typer.Option("--json", help="Plain data on stdout.")] = False,
) -> None:
    """Run the contract tests on a plugin: what the engine relies on, case by case.

    Exit code 0: all passed (or could not run here and say why). 7: the plugin breaks the contract.

    Example: `lipsync plugins check viseme`
    """
    from lipsync_core.cli.console import print_json, stdout
    from lipsync_core.testing.check import check_spec

    registry = Registry.load()
    results = [
        {"kind": spec.kind, "name": spec.name} | asdict(result)
        for spec in find(registry, name)
        for result in check_spec(registry, spec)
    ]
    failed = [r for r in results if r["outcome"] == "failed"]
    if as_json:
        print_json(results)
    else:
        colours = {"passed": "green", "failed": "bold red", "skipped": "yellow"}
        for r in results:
            colour = colours[r["outcome"]]
            told = f" - {escape(r['detail'])}" if r["detail"] else ""
            stdout.print(
                f"[{colour}]{r['outcome']:>7}[/] {r['kind']} {r['name']}: {r['case']}{told}"
            )
    if failed:
        raise PluginFault(
            f"'{name}' fails {len(failed)} of {len(results)} contract tests, "
            f"first: {failed[0]['case']}.",
            failed[0]["detail"],
        )


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Short lower-case name of the new generator.")],
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where to put it. Default: lipsync-NAME here.")
    ] = None,
) -> None:
    """Write the skeleton of a generator plugin that installs, passes `check`, and runs.

    Example: `lipsync plugins new mymodel && pip install -e lipsync-mymodel`
    """
    from lipsync_core.cli.console import stdout
    from lipsync_core.testing.skeleton import write_skeleton

    target = folder or Path(f"lipsync-{name}")
    for path in write_skeleton(name, target):
        stdout.print(str(path), markup=False)
    stdout.print(f"Next: pip install -e {target} && lipsync plugins check {name}", markup=False)


def find(registry: Registry, name: str) -> list[PluginSpec]:
    """Specs called `name`, or all that the plugin or distribution of that name offers.

    Raises:
        PluginFault: the plugin of that name is broken.
        PluginUnavailable: it is kept out by the environment, or is a known one not installed.
        UsageError: nothing is called so.
    """
    specs = [spec for spec in registry if spec.name == name]
    for row in registry.rows:
        if name in (row.name, row.distribution) and not specs:
            if row.status == "disabled":
                raise PluginUnavailable(f"Plugin '{name}' is disabled: {row.reason}.", row.remedy)
            if not row.specs and row.status != "ok":
                raise PluginFault(f"Plugin '{name}' is {row.status}: {row.reason}.", row.remedy)
            specs = list(row.specs)
    if not specs and name in CATALOGUE:
        raise PluginUnavailable(
            f"The plugin '{name}' is not installed.", f"pip install {CATALOGUE[name]}"
        )
    if not specs:
        known = sorted({spec.name for spec in registry})
        raise UsageError(f"No plugin is called '{name}'.", f"Known here: {', '.join(known)}.")
    return specs


def _row(row: PluginRow, with_probe: bool) -> dict[str, Any]:
    return {
        "plugin": row.distribution or row.name,
        "version": row.version,
        "status": row.status,
        "reason": row.reason,
        "remedy": row.remedy,
        "offers": [
            {
                "kind": spec.kind,
                "name": spec.name,
                "summary": spec.summary,
                "weights": spec.licence.weights,
                "commercial": spec.licence.commercial,
            }
            | ({"here": _here(spec)} if with_probe else {})
            for spec in row.specs
        ],
    }


def _here(spec: PluginSpec) -> dict[str, str]:
    result = probe(spec)
    if isinstance(result, Ready):
        return {"state": "ready", "text": f"ready {result.detail}".strip(), "hint": ""}
    return {"state": "unavailable", "text": f"no: {result.reason}", "hint": result.hint}


def _full(registry: Registry, spec: PluginSpec) -> dict[str, Any]:
    row = registry.row_of(spec)
    here = _here(spec)
    return {
        "kind": spec.kind,
        "name": spec.name,
        "plugin": f"{row.distribution or row.name} {row.version}".strip(),
        "here": here["text"],
        "hint": here["hint"],
    } | {k: v for k, v in asdict(spec).items() if k not in ("name",)}


def _text(value: object) -> str:
    if isinstance(value, dict):
        told = {k: v for k, v in value.items() if k == "commercial" or v not in _EMPTY}
        return ", ".join(f"{k.replace('_', ' ')}: {_text(v)}" for k, v in told.items())
    if isinstance(value, list | tuple):
        return (
            "\n".join(_text(v) for v in value)
            if value and isinstance(value[0], dict)
            else ", ".join(_text(v) for v in value)
        )
    return str(value)
