"""Takes weight files away: those of the store, never those that other programs put into their cache."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from lipsync_core.weights import digests, intake, location
from lipsync_core.weights.entries import Entry


def stored(entry: Entry) -> list[Path]:
    """Its files in the store, under any of its names; of a linked file, the link."""
    folder = location.folder(entry.spec)
    names = (entry.weight.path, *entry.weight.alternatives)
    return [folder / name for name in names if os.path.lexists(folder / name)]


def remove(entries: Sequence[Entry]) -> list[Path]:
    """Delete the stored files of `entries`, what unfinished downloads left of them, and empty folders.

    Raises:
        OutputError: a file may not be deleted.
    """
    gone: list[Path] = []
    for entry in entries:
        folder, place = location.folder(entry.spec), entry.place
        for path in (*stored(entry), *place.parent.glob(f".{place.name}.*")):
            try:
                path.unlink()
            except OSError as error:
                raise intake.unwritable(path, error) from error
            gone.append(path)
        if folder.is_dir():
            digests.remember(folder, {entry.weight.path: None})
        _drop_empty(place.parent, folder)
    return [path for path in gone if not path.name.startswith(".")]


def _drop_empty(inner: Path, folder: Path) -> None:
    while folder in inner.parents and inner.is_dir() and not any(inner.iterdir()):
        inner.rmdir()
        inner = inner.parent
