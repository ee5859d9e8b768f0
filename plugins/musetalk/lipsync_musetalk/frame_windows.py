"""Rows of Whisper's layers in, one window of 10 rows for each video frame out, at any rate without drift.

At 25 frames a second both originals take, for the frame at time t, the rows from 80 ms before to 120 ms
after; that span of sound is what a picture taken at t was learnt with, so it is the same at every rate.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lipsync_musetalk.whisper_rows import Rows

    Outside = Literal["zeros", "edge"]
    """What stands for rows before the beginning and after the end."""

ROWS_A_SECOND = 50
LENGTH, BEFORE = 10, 4
"""Rows of a window, and how many of them lie before the frame's own."""
LATER = (LENGTH - BEFORE) / ROWS_A_SECOND
"""Seconds that a window reaches past its frame's time, at the most."""
TOKENS, WIDTH = LENGTH * 5, 384


def first_row(frame: int, fps: Fraction) -> int:
    """First row of a frame's window: the one whose window lies nearest, counted exactly."""
    return int((Fraction(ROWS_A_SECOND * frame) / fps + Fraction(1, 2)) // 1) - BEFORE


class FrameWindows:
    """One voice; holds the rows that later windows reach.

    Args:
        fps: frames a second.
        outside: what stands for rows that are not there.
    """

    def __init__(self, fps: Fraction, outside: Outside) -> None:
        self._fps, self._outside = fps, outside
        self._rows: Rows = np.zeros((0, 5, WIDTH), np.float32)
        self._first = 0  # number of the first row held
        self._given = 0

    def push(self, rows: Rows) -> NDArray[np.float32]:
        """More rows; `(n, 50, 384)` windows that lie within what has come."""
        self._rows = np.concatenate([self._rows, rows])
        end = self._first + len(self._rows)
        return self._windows(lambda start: start + LENGTH <= end)

    def flush(self, frames: int) -> NDArray[np.float32]:
        """The remaining windows, `frames` in all."""
        return self._windows(lambda start: self._given < frames)

    def _windows(self, certain: Callable[[int], bool]) -> NDArray[np.float32]:
        found = []
        while certain(start := first_row(self._given, self._fps)):
            found.append(self._window(start))
            self._given += 1
        # One row stays in any case: it may be the last, which stands for those after it.
        old = min(max(0, start - self._first), len(self._rows) - 1)
        if old > 0:
            self._rows, self._first = self._rows[old:], self._first + old
        return np.array(found, np.float32).reshape(-1, TOKENS, WIDTH)

    def _window(self, start: int) -> Rows:
        wanted = np.arange(start, start + LENGTH) - self._first
        there = len(self._rows)
        if there == 0:
            return np.zeros((LENGTH, 5, WIDTH), np.float32)
        window = self._rows[np.clip(wanted, 0, there - 1)]
        if self._outside == "zeros":
            window[(wanted < 0) | (wanted >= there)] = 0.0
        return window
