"""A person as one file: a zip archive of card and files. What comes in is checked before it counts."""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
import zlib
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import IO

from lipsync_core.errors import OutputError, PluginUnavailable, UnsupportedInput, UsageError
from lipsync_core.media.output import atomic_output
from lipsync_core.people import card as cards
from lipsync_core.people import store
from lipsync_core.people.card import CARD, Card, PersonFile
from lipsync_core.people.store import Person

_MOST_CARD = 1_000_000
_PIECE = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that zip knows: equal people make equal archives."""


def pack(person: Person, path: Path) -> None:
    """Write a person into one file, which appears when it is whole.

    Raises:
        UnsupportedInput: the person is damaged.
        OutputError: the file cannot be written.
    """
    faults = [person.fault] if person.fault else list(store.damaged(person))
    if faults or person.card is None:
        raise UnsupportedInput(
            f"The person '{person.label}' is damaged: {faults[0].rstrip('.')}.", "Train it again."
        )
    try:
        with (
            atomic_output(path) as part,
            zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive,
        ):
            for name in (CARD, *(file.name for file in person.card.files)):
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.external_attr = 0o644 << 16
                with (
                    (person.folder / name).open("rb") as source,
                    archive.open(entry, "w", force_zip64=True) as into,
                ):
                    while piece := source.read(_PIECE):
                        into.write(piece)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror or error}.", "Choose another place."
        ) from error


def unpack(
    path: Path, generators: Collection[str], name: str | None = None, *, replace_: bool = False
) -> Person:
    """Take a person out of a file that `pack` wrote. Nothing of it is run.

    Args:
        path: the file.
        generators: names of those that are installed.
        name: what the person is called here; default: as in the file.
        replace_: one of that name may be replaced.

    Raises:
        UnsupportedInput: the file is none of ours or damaged.
        PluginUnavailable: it is for a generator that is not installed.
        UsageError: somebody is called so already.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            card = _card_in(archive, path)
            if card.generator not in generators:
                raise PluginUnavailable(
                    f"{path} holds a person for the generator '{card.generator}', which is not "
                    "installed.",
                    f"Install the plugin that brings it; here are {', '.join(sorted(generators))}.",
                )
            if name is not None:
                card = replace(card, name=cards.checked_name(name))
            if store.folder_of(card.generator, card.name).exists() and not replace_:
                raise UsageError(
                    f"There is a person '{card.generator}/{card.name}' already.",
                    "Give the new one another name with --name, or replace it with --replace.",
                )
            with tempfile.TemporaryDirectory(prefix="lipsync-person-") as folder:
                files = {f.name: _taken(archive, f, path, Path(folder)) for f in card.files}
                return store.save(card, files)
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError) as error:
        raise _damaged(path, str(error)) from None
    except OSError as error:
        raise UnsupportedInput(
            f"{path} cannot be read: {error.strerror or error}.", "Check the path."
        ) from error


def _card_in(archive: zipfile.ZipFile, path: Path) -> Card:
    """The archive's card, whose files are exactly what else is in it."""
    names = [entry.filename for entry in archive.infolist()]
    if CARD not in names:
        raise UnsupportedInput(
            f"{path} is not a trained person: it has no {CARD}.",
            "Choose a file that `lipsync people export` wrote.",
        )
    if archive.getinfo(CARD).file_size > _MOST_CARD:
        raise _damaged(path, "its card is too large")
    with archive.open(CARD) as file:
        text = file.read(_MOST_CARD).decode("utf-8", "replace")
    card = cards.parse(text, f"in {path}")
    strange = sorted(set(names) - {CARD} - {file.name for file in card.files})
    if strange or len(set(names)) != len(names):
        told = f"'{strange[0]}', which its card does not name" if strange else "a name twice"
        raise _damaged(path, f"it holds {told}")
    return card


def _taken(archive: zipfile.ZipFile, file: PersonFile, path: Path, folder: Path) -> Path:
    """One file, with the size and the checksum that the card says."""
    try:
        entry = archive.getinfo(file.name)
    except KeyError:
        raise _damaged(path, f"{file.name} is missing in it") from None
    if entry.file_size != file.size:
        raise _damaged(path, f"{file.name} has {entry.file_size} bytes instead of {file.size}")
    digest, into = hashlib.sha256(), folder / file.name
    with archive.open(entry) as source, into.open("wb") as out:
        _copy(source, out, file.size, digest)
    if digest.hexdigest() != file.sha256:
        raise _damaged(path, f"{file.name} has another content than when it was packed")
    return into


def _copy(source: IO[bytes], out: IO[bytes], size: int, digest: hashlib._Hash) -> None:
    """At most `size` bytes, whatever the archive claims to hold."""
    while size > 0 and (piece := source.read(min(_PIECE, size))):
        out.write(piece)
        digest.update(piece)
        size -= len(piece)


def _damaged(path: Path, why: str) -> UnsupportedInput:
    return UnsupportedInput(
        f"{path} is damaged, or no trained person: {why.rstrip('.')}.",
        "Export the person anew where it was trained: lipsync people export NAME.",
    )
