"""Features of a voice on disk: one row per tick of a clock, read back for the frames at hand.

Videos of constant rate tick with their frames. Variable ones tick at a fixed fine rate, and each
frame takes the nearest row, so that no frame is further than half a tick from its sound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lipsync_core.errors import PluginFault
from lipsync_core.records import Samples

__all__ = ["VARIABLE_RATE_CLOCK", "FeatureFile", "encode"]


VARIABLE_RATE_CLOCK = Fraction(100)
"""Ticks a second for targets of variable rate: at most 5 ms between a frame and its row."""
BLOCK = 16_000
"""Samples that a stream is given at once, at least: a second at 16 kHz."""


class RowStream(Protocol):
    """What both audio encoders and speech activity do."""

    def push(self, samples: Samples) -> NDArray[np.float32]:
        """More sound in, certain rows out."""
        ...

    def flush(self) -> NDArray[np.float32]:
        """The remaining rows."""
        ...


class FeatureFile:
    """Rows of one kind for one voice.

    Args:
        path: raw float32 file.
        shape: shape of one row.
        clock: rows a second.

    Attributes:
        rows: how many there are.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], clock: Fraction) -> None:
        self.shape = shape
        self.clock = clock
        self._path = path
        self._bytes = 4 * int(np.prod(shape, dtype=np.int64))
        self.rows = path.stat().st_size // self._bytes

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """`(n, *shape)`: rows `start` to `stop` (exclusive), as far as there are any."""
        with self._path.open("rb") as file:
            file.seek(start * self._bytes)
            data = file.read(max(0, stop - start) * self._bytes)
        return np.frombuffer(data, np.float32).reshape(-1, *self.shape)

    def at(self, times: Iterable[Fraction]) -> NDArray[np.float32]:
        """`(n, *shape)`: the rows nearest to `times` in seconds (the last row beyond the end)."""
        ticks = [min(self.rows - 1, max(0, round(t * self.clock))) for t in times]
        rows = np.zeros((len(ticks), *self.shape), np.float32)
        with self._path.open("rb") as file:
            for n, tick in enumerate(ticks):
                file.seek(tick * self._bytes)
                rows[n] = np.frombuffer(file.read(self._bytes), np.float32).reshape(self.shape)
        return rows


def encode(
    sound: Iterable[Samples],
    sample_rate: int,
    duration: Fraction,
    stream: RowStream,
    shape: tuple[int, ...],
    clock: Fraction,
    path: Path,
    who: str,
    progress: Callable[[Fraction], None] = lambda seconds: None,
) -> FeatureFile:
    """Run a voice through `stream` into a file; silence follows it up to `duration`.

    Args:
        sound: mono blocks at `sample_rate` Hz.
        sample_rate: of `sound`.
        duration: seconds that rows are needed for.
        stream: encoder or activity stream, at `clock` rows a second.
        shape: shape of one row.
        clock: rows a second.
        path: file to write (complete or not there).
        who: whose stream it is, for messages.
        progress: called with the seconds of sound done.

    Raises:
        PluginFault: rows of another shape, not finite, or fewer than `duration` asks for.
    """
    work = path.with_suffix(".part")
    count = 0
    with work.open("wb") as file:

        def keep(rows: NDArray[np.float32]) -> None:
            nonlocal count
            if rows.shape[1:] != shape or not np.isfinite(rows).all():
                raise PluginFault(
                    f"{who} gave rows of shape {rows.shape[1:]}, finite: "
                    f"{bool(np.isfinite(rows).all())}; {shape} and finite was declared.",
                    "Report this to the plugin's author.",
                )
            file.write(np.ascontiguousarray(rows, np.float32).tobytes())
            count += len(rows)

        heard = 0
        for block in _padded(sound, math.ceil(duration * sample_rate)):
            keep(stream.push(block))
            heard += len(block)
            progress(Fraction(heard, sample_rate))
        keep(stream.flush())
    needed = int(duration * clock)
    if count < needed:
        work.unlink()
        raise PluginFault(
            f"{who} gave {count} rows instead of {needed}.", "Report this to its author."
        )
    work.replace(path)
    return FeatureFile(path, shape, clock)


def _padded(sound: Iterable[Samples], total: int) -> Iterator[Samples]:
    """`sound`, cut or filled with silence to `total` samples, in blocks of `BLOCK` samples.

    Files give 20 to 60 ms at a time; streams cost by the call as well as by the sample.
    """
    waiting: list[Samples] = []
    held, left = 0, total
    for piece in sound:
        part = piece[: left - held]
        waiting.append(part)
        held += len(part)
        if held >= min(BLOCK, left):
            yield np.concatenate(waiting)
            left, waiting, held = left - held, [], 0
        if left <= 0:
            return
    if held:
        yield np.concatenate(waiting)
        left -= held
    while left > 0:
        n = min(left, BLOCK)
        yield np.zeros(n, np.float32)
        left -= n
