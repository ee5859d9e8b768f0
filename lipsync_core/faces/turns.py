"""Quarter turns: a face that lies or hangs upside down is looked at, cut and painted upright.

A quarter says how a face is turned in the picture plane: 0 upright, 1 a quarter turn clockwise (the eyes
lie one above the other, the chin points to the left), 2 upside down, 3 a quarter turn anticlockwise. What is
left after it, up to 45 degrees and a little more, is the tilt that every plugin meets in upright faces.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipsync_core.faces.schemes import convert
from lipsync_core.records import Image, Matrix, Points, Scheme

QUARTERS = 4
HOLD = 60.0
"""Degrees of tilt up to which a track keeps its quarter: at 45 alone a nodding head would flip to and fro."""

_ROTATIONS = np.array(
    [[[1, 0], [0, 1]], [[0, 1], [-1, 0]], [[-1, 0], [0, -1]], [[0, -1], [1, 0]]], np.float64
)
"""For each quarter, the rotation about the origin that puts such a face upright (y points down)."""


def roll(points: Points, scheme: Scheme) -> NDArray[np.float64]:
    """`(N,)` degrees by which the line of the eyes is turned clockwise, -180..180."""
    if scheme == "5":
        across = points[:, 1, :2] - points[:, 0, :2]
    else:
        across = convert(points, scheme, "68")[:, 45] - convert(points, scheme, "68")[:, 36]
    return np.asarray(np.degrees(np.arctan2(across[:, 1], across[:, 0])), np.float64)


def quarter_of(degrees: float, before: int | None = None) -> int:
    """The quarter of a face turned by `degrees` clockwise.

    Args:
        degrees: of its eyes.
        before: its quarter in the frame before; it is kept up to a tilt of `HOLD` degrees.
    """
    if before is not None:
        tilt = (degrees - 90.0 * before + 180.0) % 360.0 - 180.0
        if abs(tilt) <= HOLD:
            return before
    return round(degrees / 90.0) % QUARTERS


def rotations(quarters: NDArray[np.int64]) -> NDArray[np.float64]:
    """`(N, 2, 2)` rotations about the origin that put faces of these quarters upright."""
    return _ROTATIONS[quarters]


def to_upright(quarter: int, width: int, height: int) -> Matrix:
    """2x3 from a picture of `width` x `height` to what `turned` makes of it."""
    x, y = ((0, 0), (0, width - 1), (width - 1, height - 1), (height - 1, 0))[quarter]
    return np.column_stack([_ROTATIONS[quarter], (x, y)])


def turned(image: Image, quarter: int) -> Image:
    """The picture with a face of this quarter upright; the picture itself for quarter 0."""
    return np.ascontiguousarray(np.rot90(image, quarter)) if quarter else image


def turned_back(image: Image, quarter: int) -> Image:
    """The inverse of `turned`."""
    return turned(image, -quarter % QUARTERS)
