"""`lipsync models list|show|export|import|remove`: the trained people on this computer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from lipsync_core.people.store import Person, damaged, everybody, find
from lipsync_core.people.store import remove as remove_person

_Json = Annotated[bool, typer.Option("--json", help="Plain data on stdout.")]
_Name = Annotated[str, typer.Argument(help="NAME, or GENERATOR/NAME where that is not clear.")]

app = typer.Typer(
    help="Trained people: which there are, what they are good for, and taking them along.",
    no_args_is_help=True,
)


@app.command("list")
def list_models(as_json: _Json = False) -> None:
    """List the trained people: generator, what they hear, epochs, main held-out figure, size, licence.

    Example: `lipsync models list`
    """
    from lipsync_core.cli.console import print_json, stdout
    from lipsync_core.cli.weights import size_in_words

    people = everybody()
    if as_json:
        print_json([_told(person) for person in people])
        return
    if not people:
        stdout.print("Nobody is trained here yet: [bold]lipsync train --help[/]")
        return
    table = Table("person", box=None, padding=(0, 2, 0, 0))
    for title in ("generator", "variant", "features", "epochs", "held out", "size", "licence"):
        table.add_column(title, overflow="fold")
    for person in people:
        card = person.card
        if card is None:
            table.add_row(f"[bold]{escape(person.folder.name)}[/]", escape(person.label))
            continue
        first = next(iter(card.figures.items()), None)  # `show` has the others
        table.add_row(
            f"[bold]{escape(card.name)}[/]",
            card.generator,
            escape(card.variant),
            escape(card.features),
            str(card.epochs),
            escape(f"{first[0]} {first[1]:.3g}") if first else "",
            size_in_words(card.size),
            escape(card.licence),
        )
    stdout.print(table)
    for person in people:
        for fault in _faults(person):
            stdout.print(f"[yellow]{escape(person.label)} is damaged: {escape(fault)}[/]")


@app.command("show")
def show(name: _Name, as_json: _Json = False) -> None:
    """Show the card of a person: footage, figures, settings, licence, consent, files.

    Example: `lipsync models show anna`
    """
    from lipsync_core.cli.console import print_json, stdout
    from lipsync_core.cli.weights import size_in_words

    told = _told(find(name))
    if as_json:
        print_json(told)
        return
    for key in ("name", "generator", "variant", "features", "epochs", "made", "footage"):
        stdout.print(f"{key:<10} {escape(str(told.get(key, '')))}", soft_wrap=True)
    for key in ("licence", "consent"):
        stdout.print(f"{key:<10} {escape(str(told.get(key, '')))}", soft_wrap=True)
    for title in ("figures", "settings"):
        for key, value in told.get(title, {}).items():
            shown = f"{value:.4g}" if isinstance(value, float) else value
            stdout.print(f"{title:<10} {escape(key)}: {escape(str(shown))}", soft_wrap=True)
    for file in told.get("files", []):
        size = size_in_words(file["size"])
        stdout.print(f"{'file':<10} {escape(str(Path(told['folder']) / file['name']))} ({size})")
    for fault in told["damaged"]:
        stdout.print(f"[yellow]damaged: {escape(fault)}[/]", soft_wrap=True)


@app.command("export")
def export(
    name: _Name,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write. Default: NAME.zip here.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Write a person into one file, card included, to take to another computer.

    Example: `lipsync models export anna -o anna.zip`
    """
    from lipsync_core.cli.console import print_json
    from lipsync_core.people.archive import pack

    person = find(name)
    path = output or Path(f"{person.folder.name}.zip")
    pack(person, path)
    if as_json:
        print_json({"file": path, "size": path.stat().st_size})
    else:
        typer.echo(path)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A file that `lipsync models export` wrote.")],
    name: Annotated[
        str | None, typer.Option(help="What the person is called here. Default: as in the file.")
    ] = None,
    replace: Annotated[bool, typer.Option(help="Replace a person of that name.")] = False,
    as_json: _Json = False,
) -> None:
    """Take a person out of one file; it is checked before anything changes, and nothing of it is run.

    Example: `lipsync models import anna.zip --name annas-twin`
    """
    from lipsync_core.cli.console import print_json, stdout
    from lipsync_core.people.archive import unpack
    from lipsync_core.registry import Registry
    from lipsync_core.specs import GeneratorSpec

    known = [spec.name for spec in Registry.load().all(GeneratorSpec)]
    person = unpack(file, known, name, replace_=replace)
    if as_json:
        print_json(_told(person))
        return
    stdout.print(f"{escape(person.label)} is here: {escape(str(person.folder))}", soft_wrap=True)


@app.command("remove")
def remove(
    name: _Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: _Json = False,
) -> None:
    """Delete a person's network and card. What it was trained from stays where it is.

    Example: `lipsync models remove anna`
    """
    from lipsync_core.cli.console import print_json, stderr
    from lipsync_core.cli.weights_get import confirm

    person = find(name)
    if not yes:
        confirm(f"Delete {person.folder}?")
    remove_person(person)
    if as_json:
        print_json({"removed": person.folder})
    else:
        stderr.print(f"removed {escape(str(person.folder))}", soft_wrap=True)


def _told(person: Person) -> dict[str, Any]:
    card = person.card.as_dict() if person.card else {"name": person.folder.name}
    size = person.card.size if person.card else None
    return {**card, "folder": str(person.folder), "size": size, "damaged": _faults(person)}


def _faults(person: Person) -> list[str]:
    return [person.fault] if person.fault else list(damaged(person))
