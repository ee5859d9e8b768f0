"""Where the chunks of a face's span begin and end, whichever part of it is rendered.

A span is an unbroken row of frames with the same face. Its chunks are counted from its first frame, so
that a resumed run makes the same chunks as an unbroken run, with the frames around it
that these need.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ChunkGrid:
    """Chunks of `size` frames, of which neighbours share `overlap`."""

    size: int
    overlap: int

    @property
    def shared(self) -> int:
        """Frames that neighbours share: less than a chunk."""
        return min(self.overlap, self.size - 1)

    @property
    def stride(self) -> int:
        """Frames from the beginning of a chunk to that of the next."""
        return self.size - self.shared

    def around(self, tracks: NDArray[np.int64], start: int, stop: int) -> tuple[int, int]:
        """The frames that take part in making frames `start` to `stop` of a shot.

        Args:
            tracks: `(n,)` which face each frame of the shot shows, -1 for none.
            start: first frame wanted, counted from the beginning of the shot.
            stop: the one after the last wanted.

        Returns:
            First frame and the one after the last: whole chunks, with the one before where the first fades
            over from it.
        """
        first, last = start, stop
        if tracks[start] >= 0:
            begin = start - _same(tracks[: start + 1][::-1]) + 1
            chunk, into = divmod(start - begin, self.stride)
            if into < self.shared and chunk > 0:
                chunk -= 1
            first = begin + chunk * self.stride
        if tracks[stop - 1] >= 0:
            begin = stop - _same(tracks[:stop][::-1])
            end = stop - 1 + _same(tracks[stop - 1 :])
            chunk = (stop - 1 - begin) // self.stride
            last = min(begin + chunk * self.stride + self.size, end)
        return first, last


def _same(tracks: NDArray[np.int64]) -> int:
    """How many of the first values are equal."""
    other = np.flatnonzero(tracks != tracks[0])
    return int(other[0]) if len(other) else len(tracks)
