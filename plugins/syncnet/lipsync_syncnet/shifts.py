"""SyncNet's evaluation from embeddings on: distances at every shift, and the figures made of them.

As in joonson/syncnet_python: the voice is shifted by up to 15 frames either way with zeros beyond its ends,
the distances of each shift are averaged, and the smallest average, its shift, and how far it lies below the
median are reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Embeddings = NDArray[np.float32]
    """`(n, width)`, one row for each moment."""

REACH = 15
"""Frames by which the voice is shifted at the most, either way."""
SMOOTHED_OVER = 9
"""Moments in the window of the median that the confidence of single moments goes through."""
_AWAY_FROM_ZERO = 1e-6
"""What torch's `pairwise_distance` adds to every difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What the distances say.

    Attributes:
        confidence: LSE-C: how far the best shift's mean distance is below the median of all shifts'.
        distance: LSE-D: mean distance at the best shift.
        later: the best shift: by how many frames the voice comes later than the mouth.
        means: `(31,)`, the mean distance at every shift, from 15 frames earlier to 15 later.
        moments: `(n,)` float32, the confidence of each moment at that shift.
    """

    confidence: float
    distance: float
    later: int
    means: NDArray[np.float64]
    moments: NDArray[np.float32]


class Shifts:
    """Moments one after the other; holds some 30 embeddings, and 31 distances of each moment.

    Args:
        width: numbers of an embedding.
    """

    def __init__(self, width: int) -> None:
        self._faces = np.zeros((0, width), np.float32)
        self._voices = np.zeros((REACH, width), np.float32)  # from 15 before the first face's on
        self._distances: list[NDArray[np.float32]] = []

    def push(self, faces: Embeddings, voices: Embeddings) -> None:
        """The next moments, as many of either."""
        self._faces = np.concatenate([self._faces, faces])
        self._voices = np.concatenate([self._voices, voices])
        count = max(0, len(self._voices) - 2 * REACH)
        found = np.zeros((count, 2 * REACH + 1), np.float32)
        for k in range(count):
            apart = self._faces[k] - self._voices[k : k + 2 * REACH + 1] + _AWAY_FROM_ZERO
            found[k] = np.linalg.norm(apart, axis=1)
        self._distances.append(found)
        self._faces, self._voices = self._faces[count:], self._voices[count:]

    def finish(self) -> Agreement | None:
        """The result over all moments; None if there was none."""
        width = self._voices.shape[1]
        self.push(np.zeros((0, width), np.float32), np.zeros((REACH, width), np.float32))
        distances = np.concatenate(self._distances)
        if not len(distances):
            return None
        means = distances.mean(axis=0, dtype=np.float64)
        best, middle = int(means.argmin()), float(np.median(means))
        return Agreement(
            confidence=middle - float(means[best]),
            distance=float(means[best]),
            later=best - REACH,
            means=means,
            moments=_smoothed(middle - distances[:, best]),
        )


def _smoothed(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Median of nine moments, with zeros beyond the ends."""
    wide = np.pad(values, SMOOTHED_OVER // 2)
    windows = np.lib.stride_tricks.sliding_window_view(wide, SMOOTHED_OVER)
    return np.asarray(np.median(windows, axis=1), np.float32)
