"""What a generator prepares: taken from memory, from a prepared avatar, or made now."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from lipsync_core.contracts import Generator
from lipsync_core.engine.chain.failures import StageFailure, guarded
from lipsync_core.engine.prepared.avatars import Avatar
from lipsync_core.engine.prepared.rows import Row
from lipsync_core.errors import OutOfMemory
from lipsync_core.records import Crops, Prepared
from lipsync_core.running.counters import (
    FRAMES_AGAIN,
    FRAMES_MADE,
    FRAMES_STORED,
    TRACKS_MADE,
    TRACKS_STORED,
)
from lipsync_core.running.stopwatch import Stopwatch

KEPT_BYTES = 64 * 2**20
"""Of rows that are held for frames that come again, as in a loop."""
KEPT_TRACKS = 16


class Preparation:
    """Asks an open generator to prepare, and no more than once for the same picture.

    Args:
        generator: open.
        avatar: where rows and tracks are kept, if they are.
        watch: where it is counted what was spared.
    """

    def __init__(self, generator: Generator, avatar: Avatar | None, watch: Stopwatch) -> None:
        self._generator = generator
        self._avatar = avatar
        self._watch = watch
        self._tracks: dict[int, Prepared] = {}
        self._recent: OrderedDict[bytes, Row] = OrderedDict()
        self._held = 0

    def of_frames(self, crops: Crops) -> Prepared:
        """One row for each crop.

        Raises:
            StageFailure: the generator failed, or gave something unusable.
            OutOfMemory: not even one crop fits.
        """
        keys = [_fingerprint(crops, n) for n in range(len(crops))]
        rows = {key: self._recent[key] for key in keys if key in self._recent}
        again = len(keys) - len({key for key in keys if key not in rows})
        rows |= self._stored([key for key in dict.fromkeys(keys) if key not in rows])
        new = {key: n for n, key in enumerate(keys) if key not in rows}
        if new:
            made = self._made(crops, list(new.values()))
            if self._avatar is not None:
                self._avatar.add(list(new), made)
            for n, key in enumerate(new):
                rows[key] = {name: array[n] for name, array in made.items()}
        for key in dict.fromkeys(keys):
            self._hold(key, rows[key])
        self._watch.count(FRAMES_AGAIN, again)
        self._watch.count(FRAMES_MADE, len(new))
        return {name: np.stack([rows[key][name] for key in keys]) for name in rows[keys[0]]}

    def of_track(self, track: int, representative: Callable[[], Crops]) -> Prepared:
        """What belongs to a whole track.

        Args:
            track: its id.
            representative: cuts its most representative crops; called only when they are needed.

        Raises:
            StageFailure: the generator failed.
            OutOfMemory: it does not fit.
        """
        if track not in self._tracks:
            if len(self._tracks) >= KEPT_TRACKS:
                self._tracks.pop(next(iter(self._tracks)))
            self._tracks[track] = self._track(track, representative)
        return self._tracks[track]

    def _track(self, track: int, representative: Callable[[], Crops]) -> Prepared:
        stored = self._avatar.track(track) if self._avatar is not None else None
        if stored is not None:
            self._watch.count(TRACKS_STORED)
            return stored
        crops = representative()
        made = cast(Prepared, guarded("prepare", lambda: self._generator.prepare(crops)))
        if self._avatar is not None:
            self._avatar.add_track(track, made)
        self._watch.count(TRACKS_MADE)
        return made

    def _stored(self, keys: Sequence[bytes]) -> dict[bytes, Row]:
        if self._avatar is None:
            return {}
        found = zip(keys, self._avatar.read(keys), strict=True)
        rows = {key: row for key, row in found if row is not None}
        self._watch.count(FRAMES_STORED, len(rows))
        return rows

    def _made(self, crops: Crops, chosen: Sequence[int]) -> dict[str, NDArray[np.generic]]:
        """Rows of some of the crops; in halves where all at once are too many."""
        few = crops if len(chosen) == len(crops) else crops.only(chosen)
        try:
            made = guarded("prepare", lambda: self._generator.prepare(few))
        except OutOfMemory:
            if len(chosen) == 1:
                raise
            half = len(chosen) // 2
            one, other = self._made(crops, chosen[:half]), self._made(crops, chosen[half:])
            return {name: np.concatenate([one[name], other[name]]) for name in one}
        arrays = {name: np.asarray(array) for name, array in cast(Prepared, made).items()}
        for name, array in arrays.items():
            if array.ndim == 0 or len(array) != len(chosen):
                shape = array.shape
                raise StageFailure(
                    "prepare", f"'{name}' has shape {shape} instead of {len(chosen)} rows"
                )
        return arrays

    def _hold(self, key: bytes, row: Row) -> None:
        """Keep a row in memory, in place of those that were not asked for the longest."""
        if key not in self._recent:
            self._recent[key] = row
            self._held += _bytes(row)
        self._recent.move_to_end(key)
        while self._held > KEPT_BYTES and len(self._recent) > 1:
            _, old = self._recent.popitem(last=False)
            self._held -= _bytes(old)


def _fingerprint(crops: Crops, n: int) -> bytes:
    """16 bytes that stand for all that `prepare` sees of one crop, but when it is shown."""
    seen = hashlib.blake2b(np.ascontiguousarray(crops.images[n]).data, digest_size=16)
    seen.update(np.ascontiguousarray(crops.matrices[n]).data)
    seen.update(np.ascontiguousarray(crops.landmarks[n]).data)
    return seen.digest()


def _bytes(row: Row) -> int:
    return sum(array.nbytes for array in row.values())
