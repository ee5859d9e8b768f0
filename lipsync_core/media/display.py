"""How a decoded frame must be turned and mirrored to stand upright: its display matrix, read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np
from av.sidedata.sidedata import Type

if TYPE_CHECKING:
    from collections.abc import Mapping

    import av


def side_data(frame: av.VideoFrame, kind: Type) -> bytes | None:
    """Return one kind of side data of a frame; None if it has none."""
    try:
        return bytes(cast("Mapping[Type, bytes]", frame.side_data)[kind])
    except (KeyError, ValueError):  # PyAV 18 refuses all where it does not know one of them (EXIF)
        return None


def upright_turn(frame: av.VideoFrame) -> tuple[int, bool]:
    """Return how a frame is made upright: mirror it left to right if told so, then turn it.

    The matrix of MP4 (ISO/IEC 14496-12, 6.2.2) maps stored pixels to shown ones: `x' = ax + cy`,
    `y' = bx + dy`, x to the right, y downwards. A negative determinant is a mirror, as front cameras
    write it. Turns between the quarters become the nearest quarter.

    Returns:
        The turn, counterclockwise, 0, 90, 180 or 270 degrees, and whether it is mirrored first.
    """
    data = side_data(frame, Type.DISPLAYMATRIX)
    if data is None:
        return round(frame.rotation / 90) * 90 % 360, False
    a, b, _, c, d = (int(value) for value in np.frombuffer(data, np.int32)[:5])
    mirrored = a * d - b * c < 0
    turn = math.degrees(math.atan2(c, -a if mirrored else a))
    return round(turn / 90) * 90 % 360, mirrored
