"""The private folder of one run: finished segments, features of the voice, a journal. Outlives a kill.

The folder is named by a fingerprint of everything that shapes the pixels, so the same command finds
its own work again and no other does. A lock keeps two runs apart; it falls with its process.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from lipsync_core._version import __version__
from lipsync_core.engine.record import journal
from lipsync_core.machine import places
from lipsync_core.requests import RunRequest
from lipsync_core.running.interruption import readable_io

KEEP_DAYS = 14
"""Unfinished runs older than this are removed when another begins."""


def fingerprint(request: RunRequest, target: str, audio: str, plugins: list[str]) -> str:
    """Digest of what shapes the output: request, content of both inputs, versions of the plugins."""
    chosen = asdict(request) | {"audio": audio, "output": str(request.output.absolute())}
    chosen["target"] |= {"path": target}
    del chosen["overwrite"], chosen["plugins"]["isolate"]  # they change no pixel
    text = json.dumps([__version__, plugins, chosen], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


class Workspace:
    """A locked folder below the cache.

    Args:
        name: fingerprint of the run.

    Attributes:
        path: the folder.
        resumed: something of an earlier try is in it.
    """

    def __init__(self, name: str) -> None:
        root = places.cache() / "runs"
        with readable_io(root):
            root.mkdir(parents=True, exist_ok=True)
        _remove_old(root)
        self._lock = FileLock(root / f"{name}.lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:  # the same command runs already: leave its folder alone
            name = f"{name}-{os.getpid()}"
            self._lock = FileLock(root / f"{name}.lock")
            self._lock.acquire(timeout=0)
        self.path = root / name
        self.segments = self.path / "segments"
        self.resumed = self.segments.exists() and any(self.segments.iterdir())
        self.path.mkdir(mode=0o700, exist_ok=True)
        self.segments.mkdir(exist_ok=True)

    def note_shot(self, shot: int, generator: str) -> None:
        """Remember that all segments of a shot are there, and which generator made them."""
        journal.append(self._journal, {"shot": shot, "generator": generator})

    def shots_made(self) -> dict[int, str]:
        """Shot number -> generator, as earlier tries have noted."""
        return {e["shot"]: e["generator"] for e in journal.read(self._journal) if "shot" in e}

    @property
    def _journal(self) -> Path:
        return self.path / "journal.jsonl"

    def discard(self) -> None:
        """The run is complete: nothing of it is needed any more."""
        shutil.rmtree(self.path, ignore_errors=True)

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()
        if not self.path.exists():
            Path(self._lock.lock_file).unlink(missing_ok=True)


def _remove_old(root: Path) -> None:
    limit = time.time() - KEEP_DAYS * 86_400
    for folder in root.iterdir():
        if folder.is_dir() and folder.stat().st_mtime < limit:
            lock = FileLock(root / f"{folder.name}.lock")
            try:
                with lock.acquire(timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
            except Timeout:
                continue
