"""`lipsync weights list|verify|path|remove|export`: the weight files here; weights_get brings them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from lipsync_core.cli import weights_get
from lipsync_core.cli.plugins import find
from lipsync_core.errors import PluginUnavailable, UsageError, VerificationFailed
from lipsync_core.registry import Registry
from lipsync_core.specs import PluginSpec
from lipsync_core.weights.entries import Entry, entries

_Json = Annotated[bool, typer.Option("--json", help="Plain data on stdout.")]
_Names = Annotated[
    list[str] | None, typer.Argument(help="Plugins. Default: all that are installed.")
]
_Name = Annotated[str, typer.Argument(help="Name of a generator, an encoder, an enhancer, ...")]

app = typer.Typer(
    help="Weight files: which there are, getting, checking and removing them.", no_args_is_help=True
)
app.command("pull")(weights_get.pull)
app.command("import")(weights_get.import_)


@app.command("list")
def list_weights(names: _Names = None, as_json: _Json = False) -> None:
    """List the weight files of all plugins: size, whether and where they are here, licence.

    Examples: `lipsync weights list`, `lipsync weights list wav2lip --json`
    """
    from lipsync_core.cli.console import print_json, stdout

    rows = sorted((_row(entry) for entry in _entries(names)), key=lambda row: str(row["name"]))
    if as_json:
        print_json(rows)
        return
    if not rows:
        stdout.print("No plugin that is installed here has weight files.")
        return
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
    stdout.print(table)
    for name in dict.fromkeys(row["name"] for row in rows):
        _footnote(name, [row for row in rows if row["name"] == name])


def _footnote(name: str, rows: list[dict[str, Any]]) -> None:
    """Licences of a plugin's weights, and how to get what it lacks."""
    from lipsync_core.cli.console import stdout

    licences = " | ".join(dict.fromkeys(row["licence"] for row in rows))
    stdout.print(f"\n[bold]{name}[/]: {escape(licences)}", soft_wrap=True)
    absent = [row for row in rows if not row["here"] and not row["optional"]]
    if not any(row["here"] or not row["optional"] for row in rows):
        absent = rows[:1]
    for get in dict.fromkeys(row["get"] for row in absent):
        stdout.print(f"  {escape(get)}", soft_wrap=True)


@app.command("verify")
def verify_weights(names: _Names = None, as_json: _Json = False) -> None:
    """Read the weight files that are here and compare their checksums.

    The publisher's checksum counts where one is stated, else the one that a file came with.
    Exit code 0: all are whole. 4: a named plugin lacks files. 8: a file is damaged.

    Examples: `lipsync weights verify`, `lipsync weights verify musetalk`
    """
    from lipsync_core.cli.console import print_json, stdout
    from lipsync_core.cli.transfer import ShownMeter
    from lipsync_core.weights.verification import verify

    with ShownMeter() as meter:
        verdicts = [verify(entry, meter) for entry in _entries(names)]
    if as_json:
        print_json(
            [
                {"name": v.entry.name, "file": v.entry.weight.path, "state": v.state}
                | {"detail": v.detail, "path": v.path}
                for v in verdicts
            ]
        )
    else:
        colours = {"whole": "green", "damaged": "bold red", "new": "cyan", "absent": "dim"}
        for v in verdicts:
            colour = colours[v.state]
            told = escape(f"{v.entry.label}: {v.detail}")
            stdout.print(f"[{colour}]{v.state:>8}[/] {told}", soft_wrap=True)
    damaged = [v for v in verdicts if v.state == "damaged"]
    if damaged:
        error = VerificationFailed(
            f"{len(damaged)} weight files are damaged, first: {damaged[0].path} ({damaged[0].detail}).",
            weights_get.remedy_again(damaged[0].entry),
        )
        weights_get.fail(error, as_json)
    if names:
        _demand([v.entry for v in verdicts], as_json)


@app.command("path")
def path_of(name: _Name, as_json: _Json = False) -> None:
    """Print where the weight files of NAME are, one a line.

    Example: `lipsync weights path wav2lip`
    """
    from lipsync_core.cli.console import print_json
    from lipsync_core.weights.location import folder

    known = _entries([name])
    found = {entry.weight.path: path for entry in known if (path := entry.find())}
    if as_json:
        print_json({"folder": folder(known[0].spec), "files": found})
    else:
        for path in found.values():
            typer.echo(path)
    _demand(known, as_json)


@app.command("remove")
def remove_weights(
    name: _Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: _Json = False,
) -> None:
    """Delete the weight files of NAME from the store; of a linked file only the link.

    Files in the cache of Hugging Face's tools stay: other programs use them too.

    Example: `lipsync weights remove wav2lip`
    """
    from lipsync_core.cli.console import print_json, stderr
    from lipsync_core.weights.removal import remove, stored

    known = _entries([name])
    here = [path for entry in known for path in stored(entry)]
    if here and not yes:
        weights_get.confirm(f"Delete {', '.join(map(str, here))}?")
    gone = remove(known)
    if as_json:
        print_json({"removed": gone})
        return
    for path in gone:
        stderr.print(f"removed {escape(str(path))}", soft_wrap=True)
    if not gone:
        stderr.print(f"The store has no weight files of '{name}'.")
    for path in (p for entry in known if (p := entry.find())):
        stderr.print(f"stays, in a cache of other programs: {escape(str(path))}", soft_wrap=True)


@app.command("export")
def export(
    name: _Name,
    format_: Annotated[str, typer.Option("--format", help="What to make, for example onnx.")],
    option: Annotated[
        list[str] | None, typer.Option(help="A setting of the plugin: KEY=VALUE; may be repeated.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Convert the weights of NAME into another format, for a runtime that is faster here.

    Example: `lipsync weights export wav2lip --format onnx`
    """
    from lipsync_core.cli.console import print_json

    made = [
        path for spec in _exporting(name, format_) for path in _export(spec, format_, option or [])
    ]
    if as_json:
        print_json({"files": made})
        return
    for path in made:
        typer.echo(path)


def size_in_words(size: int | None) -> str:
    """Bytes for people; empty when not known."""
    if size is None:
        return ""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 0.1):.1f} MB"


def _entries(names: list[str] | None) -> list[Entry]:
    """Of the named plugins, or of all.

    Raises:
        UsageError: a named one needs no weights.
    """
    registry = Registry.load()
    if not names:
        return entries(registry)
    for name in names:
        if not entries(find(registry, name)):
            raise UsageError(
                f"'{name}' needs no weight files.", "`lipsync weights list` shows those that do."
            )
    return entries(spec for name in names for spec in find(registry, name))


def _demand(known: list[Entry], as_json: bool) -> None:
    """Fail when a file that is not optional is not here."""
    from lipsync_core.weights.remedy import remedy

    absent = [e for e in known if not e.weight.optional and e.find() is None]
    if not absent and not any(e.find() for e in known):
        absent = known
    if absent:
        first = absent[0]
        files = [e.weight for e in absent if e.name == first.name]
        error = PluginUnavailable(
            f"Weight files of '{first.name}' are not here: {', '.join(w.path for w in files)}.",
            remedy(first.name, files),
        )
        weights_get.fail(error, as_json)


def _row(entry: Entry) -> dict[str, Any]:
    from lipsync_core.weights.remedy import remedy

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


def _exporting(name: str, format_: str) -> list[PluginSpec]:
    specs = [s for s in find(Registry.load(), name) if s.exporter and format_ in s.exports]
    if not specs:
        offered = sorted({f for s in find(Registry.load(), name) for f in s.exports if s.exporter})
        raise UsageError(
            f"'{name}' cannot be exported to {format_}.",
            f"It exports to {', '.join(offered)}." if offered else "It has no export at all.",
        )
    return specs


def _export(spec: PluginSpec, format_: str, options: list[str]) -> list[Path]:
    from lipsync_core.registry.exporting import export as run_exporter

    given = dict(text.partition("=")[::2] for text in options)
    return run_exporter(spec, format_, given)
