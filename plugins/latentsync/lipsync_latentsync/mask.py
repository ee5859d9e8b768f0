"""Which part of an aligned face is painted anew: cheeks and everything below the eyes, but not the nose.

Drawn from its geometry, in a square of 256. The published mask is a picture; the chin here was recovered from
samples of it that lie so close that no known pixel differs; of 26,673 painted pixels it has two too few.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lipsync_core.faces.crops import invert, place, transform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.records import Crops, Matrix
    from lipsync_core.specs import CropSpec

SIDE = 256
_TOP, _BELOW_NOSE, _BOTTOM = 95, 128, 242
"""Rows where the cheeks begin, from which on the whole width is painted, and of the tip of the chin."""
_CHEEKS = ((9, 77), (178, 246))
"""First and last columns beside the nose."""
_FULL = (9, 247)
_LEFT = (
    "000000010000000000000100000000000001000000101010101101011010"
    "11110111111110111111211121121221212222222222232332454"
)
_RIGHT = (
    "000000100000000000001000000000000010000001010101011011011011"
    "01101101111101111111111111211211212122122223232232244"
)
"""By how many pixels each side comes in from row to row below the nose."""
_CHIN = (131, 152)


@cache
def mask(side: int) -> NDArray[np.float32]:
    """`(side, side)`: 1 where the face is kept, 0 where it is painted; soft where the size is not 256."""
    drawn = np.full((SIDE, SIDE), 255, np.uint8)
    for first, last in _CHEEKS:
        drawn[_TOP:_BELOW_NOSE, first : last + 1] = 0
    left, right = _FULL
    drawn[_BELOW_NOSE, left : right + 1] = 0
    for row, (from_left, from_right) in enumerate(zip(_LEFT, _RIGHT, strict=True), _BELOW_NOSE + 1):
        left, right = left + int(from_left), right - int(from_right)
        drawn[row, left : right + 1] = 0
    drawn[_BOTTOM, _CHIN[0] : _CHIN[1] + 1] = 0
    if side != SIDE:
        drawn = np.asarray(cv2.resize(drawn, (side, side), interpolation=cv2.INTER_LANCZOS4))
    made = drawn.astype(np.float32) / np.float32(255)
    made.setflags(write=False)
    return made


@cache
def latent_mask(side: int) -> NDArray[np.float32]:
    """`(side / 8, side / 8)`: the same where latents are, of the nearest pixel."""
    return np.ascontiguousarray(mask(side)[::8, ::8])


def on_crops(crops: Crops, aligned: CropSpec) -> NDArray[np.float32]:
    """The mask where it lies on the faces of crops that are not aligned, perhaps squeezed.

    Args:
        crops: with iBUG's 68 landmarks.
        aligned: how faces are aligned for the mask.

    Returns:
        `(N, height, width)`: 1 where the face is kept, 0 where it is painted, soft at the rim.
    """
    size = crops.images.shape[2], crops.images.shape[1]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    made = []
    for points, matrix in zip(crops.landmarks, crops.matrices, strict=True):
        back = invert(matrix)
        there = transform(points, back)[None]
        (found,), (width, height) = place(aligned, np.zeros((1, 4)), there, crops.scheme)
        # Pixel centres: those of the squeezed face lie half a pixel off.
        squeeze = np.array([SIDE / width, SIDE / height])
        onto = found * squeeze[:, None]
        onto[:, 2] += (squeeze - 1) / 2
        through = (_whole(onto) @ _whole(back))[:2]
        made.append(cv2.warpAffine(mask(SIDE), through, size, flags=flags, borderValue=1.0))
    return np.stack(made).astype(np.float32)


def _whole(matrix: Matrix) -> Matrix:
    """A 2x3 map as 3x3."""
    return np.vstack([matrix, [0.0, 0.0, 1.0]])


@cache
def painted(width: int, height: int) -> NDArray[np.float32]:
    """`(height, width, 1)` for a crop of the face of that size: 1 where it is painted, soft at the rim."""
    small = cv2.resize(1 - mask(SIDE), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(small, np.float32)[..., None]
