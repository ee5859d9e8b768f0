"""Rows of another encoder at fixed time offsets around each frame, at any frame rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.contracts import FeatureStream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.records import Samples

    Rows = NDArray[np.float32]

CLOCK = Fraction(100)
"""Rows a second that the inner encoders produce: a row lies within 5 ms of the time that is meant, and
exactly on it at 25 frames a second."""


class Around(FeatureStream):
    """One voice.

    Args:
        inner: the other encoder's stream, at `clock` rows a second.
        clock: rows a second.
        sample_rate: Hz of the sound.
        fps: frames a second.
        offsets: seconds from a frame's time to its rows, increasing.
        outside: the row that stands before the beginning and after the end.
        arrange: `(n, len(offsets), *row)` -> `(n, *shape)`.
    """

    def __init__(
        self,
        inner: FeatureStream,
        clock: Fraction,
        sample_rate: int,
        fps: Fraction,
        offsets: Sequence[Fraction],
        outside: Rows,
        arrange: Callable[[Rows], Rows],
    ) -> None:
        self._inner, self._rate, self._fps = inner, sample_rate, fps
        self._count, self._outside, self._arrange = len(offsets), outside, arrange
        # Ticks in whole numbers, as `Fraction` takes a third of all the time: (frame / fps + offset) * clock.
        self._whole = math.lcm(
            2, *((o * clock).denominator for o in offsets), (clock / fps).denominator
        )
        self._step = int(clock / fps * self._whole)
        begins = [int(o * clock * self._whole) for o in offsets]
        self._at = [
            (begin, begin + self._whole // 2) for begin in begins
        ]  # half a tick more: the nearest
        self._held = outside[None][:0]
        self._first = self._given = self._samples = 0

    def push(self, samples: Samples) -> Rows:
        """More sound; the rows of the frames that are now final."""
        self._samples += len(samples)
        self._held = np.concatenate([self._held, self._inner.push(samples)])
        end, count = self._first + len(self._held), 0
        while self._ticks(self._given + count)[-1] < end:
            count += 1
        return self._take(count)

    def flush(self) -> Rows:
        """The remaining frames: ceil(duration * fps) in all."""
        self._held = np.concatenate([self._held, self._inner.flush()])
        total = -(-self._samples * self._fps.numerator // (self._rate * self._fps.denominator))
        return self._take(max(0, total - self._given))

    def _ticks(self, frame: int) -> list[int]:
        """Indices of the rows of a frame; -1 before the beginning, and some may lie after the end."""
        at = frame * self._step
        return [(at + early) // self._whole if at + begin >= 0 else -1 for begin, early in self._at]

    def _take(self, count: int) -> Rows:
        end = self._first + len(self._held)
        made = np.empty((count, self._count, *self._outside.shape), np.float32)
        for n in range(count):
            for k, tick in enumerate(self._ticks(self._given + n)):
                there = self._first <= tick < end
                made[n, k] = self._held[tick - self._first] if there else self._outside
        self._given += count
        old = min(max(0, self._ticks(self._given)[0] - self._first), len(self._held))
        self._held, self._first = self._held[old:], self._first + old
        return self._arrange(made)


def spread(count: int, before: int, rate: int) -> tuple[Fraction, ...]:
    """Offsets in seconds: `count` rows at `rate` a second, of which `before` come before the frame's time."""
    return tuple(Fraction(k - before, rate) for k in range(count))
