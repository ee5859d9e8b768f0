"""The original's face boxes as plain functions: what a comparison with it needs, its fallbacks included.

The engine does none of this: its boxes are smoothed, keep their fractions, and no frame is without one by
accident. Pictures are in either order of channels; boxes are `x1, y1, x2, y2` with the right and lower edge
outside. Facts: TMElyralab/MuseTalk as of 2025-09.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from lipsync_musetalk.pictures import SIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lipsync_core.records import Image

    Box = tuple[int, int, int, int]

NO_FACE: Box = (0, 0, 0, 0)
EXTRA_MARGIN = 10
"""Pixels that version 1.5 adds below the chin."""
_BRIDGE = 29
"""Of the 68 landmarks, the one around which the box is centred from top to bottom."""


def face_box(landmarks: NDArray[np.int32], detected: Box | None, shift: int = 0) -> Box:
    """The box of one frame.

    Args:
        landmarks: `(68, 2)`, truncated to whole pixels.
        detected: S3FD's box, taken where the landmarks give none; None: no face.
        shift: `bbox_shift` of version 1.0; 1.5 has none.
    """
    if detected is None:
        return NO_FACE
    middle = int(landmarks[_BRIDGE, 1]) + shift
    (left, _), (right, bottom) = landmarks.min(0).tolist(), landmarks.max(0).tolist()
    top = max(0, middle - (bottom - middle))
    if bottom - top <= 0 or right - left <= 0 or left < 0:
        return detected
    return left, top, right, bottom


def with_margin(box: Box, height: int, margin: int = EXTRA_MARGIN) -> Box:
    """Version 1.5's box: longer at the chin, within a frame of that height."""
    x1, y1, x2, y2 = box
    return x1, y1, x2, min(y2 + margin, height)


def shift_range(landmarks: Sequence[NDArray[np.int32]]) -> tuple[int, int]:
    """The range of `bbox_shift` that the original tells its users, for the landmarks of all frames."""
    points = np.stack(landmarks)[:, :, 1]
    up = (points[:, _BRIDGE + 1] - points[:, _BRIDGE]).mean()
    down = (points[:, _BRIDGE] - points[:, _BRIDGE - 1]).mean()
    return -int(up), int(down)


def cut(frame: Image, box: Box) -> Image:
    """`(256, 256, 3)`: the box of a frame, squeezed."""
    x1, y1, x2, y2 = box
    part = frame[y1:y2, x1:x2]
    return np.asarray(cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_LANCZOS4), np.uint8)
