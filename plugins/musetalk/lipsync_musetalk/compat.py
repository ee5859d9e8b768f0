"""Both originals' arithmetic of audio windows as plain functions: what a comparison with them needs.

A run does none of this: windows follow the exact frame rate, and their number the engine's frames. Facts:
MuseTalk as of 2025-09, LatentSync as of 2025-06.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS_A_SECOND, LENGTH, SAMPLE_RATE = 50, 10, 16_000
_PADDED = 2
"""Frames of padding, before and after, that MuseTalk's script asks for by default."""


def musetalk_windows(rows: NDArray[np.float32], samples: int, fps: float) -> NDArray[np.float32]:
    """MuseTalk's windows: the rate is truncated to a whole number, with zeros outside.

    Args:
        rows: `(samples // 320, ...)`.
        samples: of the sound at 16 kHz.
        fps: below 50; the original ends itself from there on.

    Returns:
        `(n, 10, ...)`.
    """
    whole = int(fps)
    before = math.ceil(ROWS_A_SECOND / whole) * _PADDED
    edges = ((before, 3 * before), *((0, 0) for _ in rows.shape[1:]))
    padded = np.pad(rows, edges)
    count = math.floor(samples / SAMPLE_RATE * whole)
    starts = [math.floor(frame * ROWS_A_SECOND / whole) for frame in range(count)]
    return np.stack([padded[start : start + LENGTH] for start in starts])


def latentsync_windows(rows: NDArray[np.float32], fps: float) -> NDArray[np.float32]:
    """LatentSync's windows: one or two more than the sound holds, the edges repeated.

    Args:
        rows: `(T, ...)`.
        fps: 25 in the original.

    Returns:
        `(n, 10, ...)`.
    """
    found: list[NDArray[np.float32]] = []
    while True:
        centre = int(len(found) * ROWS_A_SECOND / fps)
        found.append(rows[np.clip(np.arange(centre - 4, centre + 6), 0, len(rows) - 1)])
        if centre > len(rows):
            return np.stack(found)
