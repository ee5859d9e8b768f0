"""Which windows of the sound belong to a frame: 16 windows of 0.2 s, 40 ms apart, at any frame rate.

At 25 frames a second, frame i of SyncTalk_2D uses the windows that begin at frames i - 9 to i + 6 (its list
of rows begins with one doubled, so rows i - 8 to i + 7 of the list are meant). A picture was learnt with that
span of sound around it; so at other rates the windows begin at the same distances in time.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.contracts import FeatureStream
from lipsync_core.voice.mel import SAMPLE_RATE
from lipsync_synctalk2d import mel
from lipsync_synctalk2d.mel import COLUMNS_A_SECOND

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.records import Samples

WINDOWS, EARLIER = 16, 9
"""Windows of a frame, and how many of them begin before it."""
COLUMNS = 16
"""Mel columns of a window."""
RATE = 25
"""Windows a second."""
WIDTH = 512
"""Numbers that the AVE encoder makes of a window."""
SHAPE = (32, 16, 16)
"""The network takes the 16 rows of 512 as 32 planes."""
LOOKAHEAD = (
    (WINDOWS - 1 - EARLIER) / RATE + (COLUMNS - 1) / COLUMNS_A_SECOND + mel.HALF / SAMPLE_RATE
)
"""Longest look-ahead of a frame, in seconds of sound."""

Encode = Callable[["NDArray[np.float32]"], "NDArray[np.float32]"]
"""`(n, 80, 16)` mel windows -> `(n, 512)`."""


def first_columns(frame: int, fps: Fraction) -> list[int]:
    """Where a frame's windows begin, in mel columns; before the sound's beginning they are negative."""
    return [
        int((COLUMNS_A_SECOND * (frame / fps + Fraction(k - EARLIER, RATE))) // 1)
        for k in range(WINDOWS)
    ]


class FrameRows(FeatureStream):
    """One voice; holds half a second of columns and the rows that later frames reuse.

    Args:
        encode: the network.
        fps: frames a second.
    """

    def __init__(self, encode: Encode, fps: Fraction) -> None:
        self._encode, self._fps = encode, fps
        self._mel = mel.MelColumns()
        self._first = first_columns(0, fps)[0]  # number of the first column held
        self._columns = mel.silent(-self._first - mel.EARLY)
        self._rows: dict[int, NDArray[np.float32]] = {}  # by the window's first column
        self._given = self._samples = 0

    def push(self, samples: Samples) -> NDArray[np.float32]:
        """More sound; `(n, 32, 16, 16)` of the frames that are now final. NaN counts as silence."""
        self._samples += len(samples)
        clean = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
        self._columns = np.concatenate([self._columns, self._mel.push(clean)])
        count = 0
        while self._last(self._given + count) <= self._end:
            count += 1
        return self._take(count)

    def flush(self) -> NDArray[np.float32]:
        """The remaining frames: ceil(duration * fps) in all; silence follows the sound."""
        frames = -(-self._samples * self._fps.numerator // (SAMPLE_RATE * self._fps.denominator))
        self._columns = np.concatenate([self._columns, self._mel.flush()])
        short = self._last(frames - 1) - self._end if frames else 0
        self._columns = np.concatenate([self._columns, mel.silent(max(0, short))])
        return self._take(max(0, frames - self._given))

    @property
    def _end(self) -> int:
        return self._first + len(self._columns)

    def _last(self, frame: int) -> int:
        """The column after the last one that a frame uses."""
        return first_columns(frame, self._fps)[-1] + COLUMNS

    def _take(self, count: int) -> NDArray[np.float32]:
        """The next `count` frames; each window is encoded once, however many frames use it."""
        starts = [first_columns(self._given + k, self._fps) for k in range(count)]
        new = sorted({c for frame in starts for c in frame} - self._rows.keys())
        if new:
            windows = [self._columns[c - self._first : c - self._first + COLUMNS].T for c in new]
            encoded = self._encode(np.ascontiguousarray(windows, np.float32))
            self._rows.update(zip(new, encoded, strict=True))
        made = np.array([[self._rows[c] for c in frame] for frame in starts], np.float32)
        self._given += count
        self._forget()
        return made.reshape(-1, *SHAPE)

    def _forget(self) -> None:
        first = first_columns(self._given, self._fps)[0]
        self._rows = {c: row for c, row in self._rows.items() if c >= first}
        # At less than 1.25 frames a second, sound between two frames belongs to no frame.
        old = min(max(0, first - self._first), len(self._columns))
        self._columns, self._first = self._columns[old:], self._first + old
