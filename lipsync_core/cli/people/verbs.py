"""`lipsync people list|show|export|import|remove`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from lipsync_core.cli.flags import Json, Yes
from lipsync_core.people.store import Person, damaged, everybody, find
from lipsync_core.people.store import remove as remove_person

_Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="A person, or GENERATOR/NAME where several generators have one."
    ),
]


def list_people(as_json: Json = False) -> None:
    """List the trained people.

    Shows generator, audio features, epochs, the first held-out figure, size and licence of each.

    Example: `lipsync people list`
    """
    from lipsync_core.cli.console import print_json, stdout

    people = everybody()
    if as_json:
        print_json([_told(person) for person in people])
        return
    if not people:
        stdout.print("No person is trained yet. Train one: [bold]lipsync train --help[/]")
        return
    stdout.print(_table(people))
    for person in people:
        for fault in _faults(person):
            stdout.print(
                f"[yellow]{escape(person.label)} is damaged: {escape(fault)}[/]", soft_wrap=True
            )


def _table(people: list[Person]) -> Table:
    from lipsync_core.cli.sizes import size_in_words

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
    return table


def show(name: _Name, as_json: Json = False) -> None:
    """Show the card of a person.

    It holds footage, figures, settings, licence, consent and files.

    Example: `lipsync people show anna`
    """
    from lipsync_core.cli.console import print_json, stdout
    from lipsync_core.cli.sizes import size_in_words

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


def export(
    name: _Name,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="File to write. Default: NAME.zip."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a person into one file.

    The file holds network and card; import it on another computer.

    Example: `lipsync people export anna -o anna.zip`
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


def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A file that `lipsync people export` wrote.")
    ],
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the person. Default: the one in the file."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a person of the same name.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Add a person from a file.

    The file is checked first, and no code in it is run.

    Example: `lipsync people import anna.zip --name annas-twin`
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
    stdout.print(f"{escape(person.label)} was added: {escape(str(person.folder))}", soft_wrap=True)


def remove(
    name: _Name,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete a person's network and card.

    The footage is kept.

    Example: `lipsync people remove anna`
    """
    from lipsync_core.cli.confirmation import confirm
    from lipsync_core.cli.console import print_json, stderr

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
