"""From S3FD's twelve outputs to boxes: decoding and suppression of doubles, for a whole batch. Numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Found = NDArray[np.float32]
    """`(n, 5)`: x0, y0, x1, y1, score."""

STRIDES = (4, 8, 16, 32, 64, 128)
"""Pixels between neighbouring cells of the six scales (Zhang et al. 2017, S3FD, table 1)."""
_ANCHOR = 4
"""A scale's one anchor is a square of this many strides, its centre in the middle of the cell."""
_VARIANCES = (0.1, 0.2)
"""By which the regression of centre and size was divided in training."""
_SAME_FACE = 0.3
"""Overlap above which the weaker of two boxes is dropped, as the package does."""


def decode(outputs: Sequence[NDArray[np.float32]], threshold: float) -> list[Found]:
    """Boxes of each picture, strongest first, without duplicates.

    Weak candidates cannot suppress stronger ones, so those below `threshold` are dropped first, which gives
    the same as dropping them last.

    Args:
        outputs: scores `(N, 2, h, w)` (before softmax) and shifts `(N, 4, h, w)` of six scales in turn.
        threshold: lowest score that is kept (exclusive).
    """
    count = len(outputs[0])
    found: list[list[Found]] = [[] for _ in range(count)]
    for stride, scores, shifts in zip(STRIDES, outputs[0::2], outputs[1::2], strict=True):
        score = 1.0 / (1.0 + np.exp(scores[:, 0] - scores[:, 1]))
        picture, row, column = np.nonzero(score > threshold)
        boxes = _boxes(stride, row, column, shifts[picture, :, row, column])
        rows = np.concatenate([boxes, score[picture, row, column][:, None]], 1)
        for n in range(count):
            found[n].append(rows[picture == n].astype(np.float32))
    return [_suppressed(np.concatenate(parts)) for parts in found]


def _boxes(
    stride: int, row: NDArray[np.intp], column: NDArray[np.intp], shifts: NDArray[np.float32]
) -> NDArray[np.float32]:
    """`(n, 4)` from the anchors of cells and their `(n, 4)` regressions."""
    anchor = np.float32(_ANCHOR * stride)
    cells = np.stack([column, row], 1).astype(np.float32)
    centre = stride / 2 + cells * stride + shifts[:, :2] * np.float32(_VARIANCES[0]) * anchor
    half = anchor * np.exp(shifts[:, 2:] * np.float32(_VARIANCES[1])) / 2
    return np.concatenate([centre - half, centre + half], 1)


def _suppressed(found: Found) -> Found:
    """Greedy, from the strongest; widths count their last pixel, as the package's do."""
    order = np.argsort(-found[:, 4], kind="stable")
    kept = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        low = np.maximum(found[best, :2], found[rest, :2])
        high = np.minimum(found[best, 2:4], found[rest, 2:4])
        both = np.prod(np.maximum(high - low + 1, 0), 1)
        order = rest[
            both / (_area(found[best : best + 1]) + _area(found[rest]) - both) <= _SAME_FACE
        ]
    return found[kept]


def _area(boxes: Found) -> NDArray[np.float32]:
    return np.asarray(np.prod(boxes[:, 2:4] - boxes[:, :2] + 1, 1), np.float32)
