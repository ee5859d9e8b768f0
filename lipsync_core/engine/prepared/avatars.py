"""Prepared avatars: what generators made of targets alone, kept in the cache for runs with any voice.

An avatar belongs to one target with its faces, one generator with its weights and settings, and one kind of
hardware. Whatever differs has an avatar of its own, so none is ever stale.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from lipsync_core._version import __version__
from lipsync_core.engine.chain.resolve import Candidate
from lipsync_core.engine.prepared.rows import PreparedRows, Row
from lipsync_core.errors import OutputError
from lipsync_core.machine import hardware, packages, places
from lipsync_core.records import Prepared
from lipsync_core.targets.target import Target

FORMAT = 1
"""Version of the files below; another number means: prepare again."""
KEEP_DAYS = 60
"""Avatars not used for longer are removed when another is made."""
MOST_BYTES = 20 * 2**30
"""Of all avatars; when one is made, those that were not used for the longest go first."""
_ABOUT = "about.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Avatar:
    """What one generator prepared of one target.

    Attributes:
        folder: where it lies.
        rows: one for each crop, for generators that prepare frame by frame.
        writing: what is made now is kept.
    """

    folder: Path
    rows: PreparedRows
    writing: bool = False

    def read(self, keys: Sequence[bytes]) -> list[Row | None]:
        """The rows of crops, by their fingerprints; None where one is missing or damaged."""
        return self.rows.read(keys)

    def add(self, keys: Sequence[bytes], arrays: Row) -> None:
        """Keep rows, where this avatar is being written.

        Raises:
            PluginFault: they cannot be stored.
        """
        if self.writing:
            self.rows.add(keys, arrays)

    def track(self, number: int) -> Prepared | None:
        """What was prepared of a track; None where it is missing or damaged."""
        try:
            with self._track(number).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error):
            return None

    def add_track(self, number: int, prepared: Prepared) -> None:
        """Keep what was prepared of a track, where this avatar is being written."""
        if not self.writing:
            return
        work = self.folder / f".{number}.part"
        with work.open("wb") as file:
            np.savez(file, **{name: np.asarray(array) for name, array in prepared.items()})  # type: ignore[arg-type]
        work.replace(self._track(number))

    def _track(self, number: int) -> Path:
        return self.folder / f"track-{number}.npz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An avatar in the cache, for people.

    Attributes:
        folder: where it lies.
        target: path of the target when it was prepared.
        digest: of the target's content.
        generator: name of the generator.
        frames: rows that are kept.
        tracks: tracks that are kept.
        bytes: on disk.
        used: when it was used last, in seconds since 1970.
    """

    folder: Path = field(repr=False)
    target: str
    digest: str
    generator: str
    frames: int
    tracks: int
    bytes: int
    used: float

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "target": self.target,
            "generator": self.generator,
            "frames": self.frames,
            "tracks": self.tracks,
            "bytes": self.bytes,
            "used": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.used)),
            "folder": str(self.folder),
        }


def find(candidate: Candidate, target: Target) -> Avatar | None:
    """The avatar that was prepared for exactly this generator and target, if there is one."""
    if candidate.spec.prepare.scope == "none" or not target.identity:
        return None
    try:
        folder = _folder(_key(candidate, target))
        if not (folder / _ABOUT).is_file():
            return None
        folder.touch()
        return Avatar(folder=folder, rows=PreparedRows(folder))
    except OSError:  # a cache that may not be read is none
        return None


@contextmanager
def making(candidate: Candidate, target: Target, path: Path) -> Iterator[Avatar]:
    """The avatar for a generator and a target, to be filled; what it has already is kept.

    Args:
        candidate: the generator with its settings.
        target: with its faces.
        path: of the target, for `entries`.

    Raises:
        OutputError: another process is filling it.
    """
    key = _key(candidate, target)
    folder = _folder(key)
    _forget_old(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder, path):
        about = {"path": str(path.absolute()), **key}
        work = folder / f".{_ABOUT}.part"
        work.write_text(json.dumps(about, indent=2, default=str), "utf-8")
        work.replace(folder / _ABOUT)
        yield Avatar(folder=folder, rows=PreparedRows(folder, writing=True), writing=True)


def entries() -> list[Entry]:
    """All avatars in the cache, the one used last first."""
    root = folder_of_all()
    if not root.is_dir():
        return []
    found = [_entry(folder) for folder in root.iterdir() if folder.is_dir()]
    return sorted((entry for entry in found if entry), key=lambda entry: -entry.used)


def remove(entry: Entry) -> None:
    """Forget an avatar; a run that is using it makes the rest itself.

    Raises:
        OutputError: it is being filled.
    """
    with _alone(entry.folder, entry.target):
        shutil.rmtree(entry.folder, ignore_errors=True)


def size(folder: Path) -> int:
    """Bytes of an avatar on disk."""
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


@contextmanager
def _alone(folder: Path, target: Path | str) -> Iterator[None]:
    """No other process fills or removes an avatar meanwhile.

    Raises:
        OutputError: another does.
    """
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise OutputError(
            f"{target} is being prepared by another process.", "Wait until it is done."
        ) from None
    try:
        yield
    finally:
        lock.release()


def folder_of_all() -> Path:
    """Where all avatars are."""
    return places.cache() / "prepared"


def _folder(key: dict[str, Any]) -> Path:
    text = json.dumps(key, sort_keys=True, default=str)
    return folder_of_all() / hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _key(candidate: Candidate, target: Target) -> dict[str, Any]:
    """Everything that what is prepared may depend on, beside the pixels of the crops."""
    spec, context = candidate.spec, candidate.context
    here = hardware.detect()
    gpu = context.device.startswith("cuda")
    return {
        "format": FORMAT,
        "target": dict(target.identity),
        "generator": spec.name,
        "version": candidate.version or __version__,
        "crop": repr(spec.crop),
        "prepare": repr(spec.prepare),
        "weights": candidate.weight_stamps(),
        "packages": {r.distribution: packages.version(r.distribution) for r in spec.requires},
        "device": context.device.partition(":")[0],
        "hardware": [g.name for g in here.gpus] if gpu else here.cpu,
        "precision": context.precision,
        "options": dict(sorted(context.options.items())),
        "seed": context.seed,
    }


def _entry(folder: Path) -> Entry | None:
    try:
        about = json.loads((folder / _ABOUT).read_text("utf-8"))
        return Entry(
            folder=folder,
            target=about["path"],
            digest=about["target"]["target"],
            generator=about["generator"],
            frames=len(PreparedRows(folder)),
            tracks=len(list(folder.glob("track-*.npz"))),
            bytes=size(folder),
            used=folder.stat().st_mtime,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _forget_old(present: Path) -> None:
    """Remove avatars that no run has used for long, and those beyond the bound; not the present one."""
    root = folder_of_all()
    if not root.is_dir():
        return
    others = [folder for folder in root.iterdir() if folder.is_dir() and folder != present]
    limit, room = time.time() - KEEP_DAYS * 86_400, MOST_BYTES
    for folder in sorted(others, key=lambda folder: -folder.stat().st_mtime):
        room -= size(folder)
        if room < 0 or folder.stat().st_mtime < limit:
            with suppress(OutputError), _alone(folder, folder):
                shutil.rmtree(folder, ignore_errors=True)
