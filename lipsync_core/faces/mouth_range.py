"""How far a person opens and widens the mouth when speaking, read from a track."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lipsync_core.faces.smoothing import runs
from lipsync_core.records import MouthRange

WINDOW = Fraction(2, 5)
"""Seconds around a frame in which the mouth must move for the frame to count as speech: about two
syllables."""
MOVES = 0.012
"""Spread of the opening in that window (eye distances) from which on a mouth moves. Landmarks of a still
mouth spread by 0.002 to 0.005."""
LEAST_SECONDS = Fraction(1, 2)
"""Less movement than this is no speech."""


def mouth_range(rows: NDArray[np.void], rate: Fraction) -> MouthRange | None:
    """The range of a track's mouth, from the frames in which it moves; None where it hardly does.

    Args:
        rows: the track's rows (`faces.analysis.ROW`), ordered by frame.
        rate: frames a second.
    """
    reach = max(1, round(WINDOW * rate / 2))
    opening, width = rows["opening"].astype(np.float64), rows["mouth"].astype(np.float64)
    moving = np.zeros(len(rows), bool)
    for start, stop in runs(rows["frame"].astype(np.int64)):
        moving[start:stop] = _spread(opening[start:stop], reach) > MOVES
    seconds = Fraction(int(moving.sum())) / rate
    if seconds < LEAST_SECONDS:
        return None
    return MouthRange(
        seconds=float(seconds),
        opening=_percentiles(opening[moving]),
        opening_spread=float(opening[moving].std()),
        width=_percentiles(width[moving]),
        width_spread=float(width[moving].std()),
    )


def _percentiles(values: NDArray[np.float64]) -> tuple[float, float, float]:
    low, middle, high = np.percentile(values, (5, 50, 95)).tolist()
    return low, middle, high


def _spread(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """`(n,)` standard deviation over the `2 * reach + 1` values around each, fewer at the ends."""
    count = len(values)
    first = np.maximum(np.arange(count) - reach, 0)
    last = np.minimum(np.arange(count) + reach + 1, count)
    sums, squares = (np.concatenate([[0.0], np.cumsum(v)]) for v in (values, values**2))
    size = last - first
    mean = (sums[last] - sums[first]) / size
    return np.asarray(
        np.sqrt(np.maximum((squares[last] - squares[first]) / size - mean**2, 0)), np.float64
    )
