"""Puts a file that the user has in its place: whole or not at all, its checksum remembered."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lipsync_core.errors import OutputError
from lipsync_core.weights import digests, location
from lipsync_core.weights.entries import Entry
from lipsync_core.weights.meter import Meter
from lipsync_core.weights.recognition import Recognised

_BLOCK = 1 << 20
_INCOMING = ".incoming-"
_ABANDONED = 86_400
"""Seconds after which an unfinished copy is nobody's any more."""


def take(found: Recognised, *, link: bool = False, meter: Meter | None = None) -> list[Path]:
    """Bring a recognised file into the store; gives where it now is, for each plugin that wants it.

    Args:
        found: the file and what it is.
        link: make a symbolic link to it instead of a copy; the file must then stay where it is.
        meter: told of the progress.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    meter = meter or Meter()
    made: list[Path] = []
    digest = ""
    for entry in found.entries:
        place = entry.place
        try:
            if place.exists() and place.samefile(found.path):
                digest = digest or digests.sha256(found.path, meter)
            elif link:
                digest = digest or digests.sha256(found.path, meter)
                _link(found.path.absolute(), place)
            elif made:  # the same file for a second plugin: no second copy where the disk allows it
                _share(made[0], place)
            else:
                digest = _copy(found.path, place, meter)
            digests.remember(location.folder(entry.spec), {entry.weight.path: digest})
        except OSError as error:
            raise unwritable(place, error) from error
        made.append(place)
    return made


def share_entry(source: Path, entry: Entry) -> Path:
    """Give `entry` a file that is already here for another plugin.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    try:
        _share(source, entry.place)
        digest = digests.sha256(entry.place)
        digests.remember(location.folder(entry.spec), {entry.weight.path: digest})
    except OSError as error:
        raise unwritable(entry.place, error) from error
    return entry.place


def _share(source: Path, place: Path) -> None:
    """A second name for a file that is here (hard link), or a copy where the disk knows none."""
    with _incoming(place) as new:
        try:
            new.hardlink_to(source.resolve())
        except OSError:
            shutil.copyfile(source, new)


def demand_space(folder: Path, size: int) -> None:
    """Fail before the first byte is written rather than at the last one.

    Raises:
        OSError: ENOSPC, fewer than `size` bytes are free.
    """
    if size > shutil.disk_usage(folder).free:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def unwritable(place: Path, error: OSError) -> OutputError:
    """The error for a store that cannot take a file."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutputError(
            f"The disk is full: {place} cannot be written.",
            "Free some space, or move the store with LIPSYNC_HOME.",
        )
    return OutputError(
        f"{place} cannot be written: {error.strerror or error}.",
        "Check the rights of the folder, or choose another with LIPSYNC_HOME.",
    )


def _copy(source: Path, place: Path, meter: Meter) -> str:
    """Copy by way of a hidden folder beside the place; the digest of what was copied."""
    size = source.stat().st_size
    digest = hashlib.sha256()
    with _incoming(place) as new, source.open("rb") as old, new.open("wb") as file:
        demand_space(place.parent, size)
        meter.start(f"copying {source.name}", size)
        while block := old.read(_BLOCK):
            digest.update(block)
            file.write(block)
            meter.advance(len(block))
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _link(source: Path, place: Path) -> None:
    with _incoming(place) as new:
        new.symlink_to(source)


@contextmanager
def _incoming(place: Path) -> Iterator[Path]:
    """A path to write to; what is there at the end takes its place in one step. What kills left goes."""
    place.parent.mkdir(parents=True, exist_ok=True)
    for left in place.parent.glob(f"{_INCOMING}*"):
        if time.time() - left.stat().st_mtime > _ABANDONED:
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=_INCOMING) as folder:
        yield Path(folder) / place.name
        (Path(folder) / place.name).replace(place)
