"""The curves that perfect knowledge would give: known labels through whole, symmetric kernels.

Offline on purpose, and written independently of the streaming code: it is the truth that training aims at
and that the evaluation compares with.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipsync_core.builtin.viseme.articulation import LEAD, PRESS, settle
from lipsync_core.builtin.viseme.targets import CURVES, DOMINANCE, SIGMA, TARGETS, VISEMES
from training.viseme.phonemes import LABELS_PER_SECOND

CAUGHT, CATCH_ABOVE, CATCH_REACH = 0.75, 0.5, 0.45
"""A closure peak within 0.45 frames above 0.5 replaces three quarters of the frame (the prototype's rule)."""


def _smooth(values: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    reach = max(1, int(np.ceil(3 * sigma * LABELS_PER_SECOND)))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / LABELS_PER_SECOND / sigma) ** 2)
    padded = np.pad(values, reach, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), "valid")


def curves(labels: NDArray[np.int8]) -> NDArray[np.float64]:
    """10 ms labels (t,) -> poses (t, 8) at the same times, without loudness."""
    weights = np.eye(len(VISEMES))[labels]
    result = np.empty((len(labels), len(CURVES)))
    for column, name in enumerate(CURVES):
        dominance = DOMINANCE[:, column]
        above = _smooth(weights @ (dominance * TARGETS[:, column]), SIGMA[name])
        below = _smooth(weights @ dominance, SIGMA[name])
        result[:, column] = above / np.maximum(below, 1e-6)
    return settle(result)


def at_frames(poses: NDArray[np.float64], fps: float, count: int) -> NDArray[np.float64]:
    """Poses of 10 ms -> (count, 8) of video frames, closures caught."""
    grid = np.arange(len(poses)) / LABELS_PER_SECOND
    times = np.arange(count) / fps + float(LEAD)
    rows = np.stack([np.interp(times, grid, column) for column in poses.T], 1)
    for row, time in zip(rows, times, strict=True):
        first, last = np.searchsorted(grid, (time - CATCH_REACH / fps, time + CATCH_REACH / fps))
        if last > first:
            peak = poses[first + int(poses[first:last, PRESS].argmax())]
            if peak[PRESS] > CATCH_ABOVE:
                row += CAUGHT * (peak - row)
    return rows
