"""Where trained people live on this computer: `people/GENERATOR/NAME/` below the lipsync home."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lipsync_core.errors import LipsyncError, OutputError, UsageError
from lipsync_core.machine import places
from lipsync_core.media.output import json_bytes
from lipsync_core.people import card as cards
from lipsync_core.people.card import CARD, Card, PersonFile
from lipsync_core.weights.digests import sha256

__all__ = ["Person", "everybody", "find", "folder_of", "save"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A trained person on this computer.

    Attributes:
        folder: with the card and the files.
        card: describes the person; None where the card cannot be read.
        fault: why not; empty otherwise.
    """

    folder: Path
    card: Card | None
    fault: str = ""

    @property
    def label(self) -> str:
        """`GENERATOR/NAME`, which is always clear."""
        return f"{self.folder.parent.name}/{self.folder.name}"


def root() -> Path:
    """The folder with a folder for each generator."""
    return places.home() / "people"


def everybody(generator: str | None = None) -> list[Person]:
    """The people that are here, by generator and name; damaged ones with what is wrong."""
    found = sorted(root().glob(f"{generator or '*'}/*/{CARD}"))
    return [_person(path.parent) for path in found if not path.parent.name.startswith(".")]


def find(name: str) -> Person:
    """The person called `NAME` or `GENERATOR/NAME`.

    Raises:
        UsageError: nobody is, or several are.
    """
    here = everybody()
    fits = [person for person in here if name in (person.label, person.folder.name)]
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise UsageError(
            f"Several people are called '{name}'.",
            f"Say which: {' or '.join(person.label for person in fits)}.",
        )
    known = ", ".join(person.label for person in here) or "nobody yet"
    raise UsageError(f"Nobody is called '{name}'.", f"Here are: {known}.")


def folder_of(generator: str, name: str) -> Path:
    """Where a person is or would be.

    Raises:
        UsageError: the name cannot be a folder's.
    """
    return root() / generator / cards.checked_name(name)


def save(card: Card, files: Mapping[str, Path]) -> Person:
    """Keep a person; one of the same name and generator is replaced, in one step.

    Args:
        card: without `files`, which are measured here.
        files: plain name -> where it is now; they are copied.

    Raises:
        OutputError: the folder cannot be written.
    """
    final = folder_of(card.generator, card.name)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=final.parent) as place:
            work = Path(place) / "new"
            work.mkdir()
            kept = []
            for name, source in files.items():
                shutil.copyfile(source, work / name)
                size = (work / name).stat().st_size
                kept.append(PersonFile(name=name, size=size, sha256=sha256(work / name)))
            whole = replace(card, files=tuple(kept))
            (work / CARD).write_text(_text(whole), "utf-8")
            _into_place(work, final, Path(place) / "old")
    except OSError as error:
        raise OutputError(
            f"The person '{card.name}' cannot be kept in {final}: {error.strerror or error}.",
            "Free some space, or name another folder with LIPSYNC_HOME.",
        ) from error
    return Person(folder=final, card=whole)


def remove(person: Person) -> None:
    """Delete a person's files.

    Raises:
        OutputError: they cannot be deleted.
    """
    try:
        shutil.rmtree(person.folder)
    except OSError as error:
        raise OutputError(
            f"{person.folder} cannot be deleted: {error.strerror or error}.", "Check your rights."
        ) from error


def damaged(person: Person) -> Iterable[str]:
    """What is wrong with a person's files: missing, or of another size than the card says."""
    for file in person.card.files if person.card else ():
        path = person.folder / file.name
        if not path.is_file():
            yield f"{file.name} is missing"
        elif path.stat().st_size != file.size:
            yield f"{file.name} has {path.stat().st_size} bytes instead of {file.size}"


def _person(folder: Path) -> Person:
    try:
        return Person(folder=folder, card=cards.read(folder / CARD))
    except LipsyncError as error:
        return Person(folder=folder, card=None, fault=error.message)


def _text(card: Card) -> str:
    return json_bytes(card.as_dict()).decode()


def _into_place(new: Path, final: Path, old: Path) -> None:
    """Folders cannot be replaced in one step; a reader may find nobody for a moment, never a half one."""
    if final.exists():
        final.rename(old)
    new.rename(final)
