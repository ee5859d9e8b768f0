"""Masks over a face: from the parts that parsing found, or an ellipse; and how they are placed around a box.

Facts: face_parsing and blending of TMElyralab/MuseTalk as of 2025-09. Boxes are `x1, y1, x2, y2` with the
right and lower edge outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
from PIL import Image as Pictures

from lipsync_musetalk.spec import AROUND

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.records import Image

    Box = tuple[int, int, int, int]
    Mask = NDArray[np.uint8]
    """0 or 255, soft in between."""

Mode = Literal["raw", "neck", "jaw", "ellipse"]
SIDE = 512
"""Of a parsed picture."""
SKIN, NOSE, MOUTH, UPPER_LIP, LOWER_LIP, NECK = 1, 10, 11, 12, 13, 14
_LIPS = (MOUTH, UPPER_LIP, LOWER_LIP)
_FACE = (SKIN, 2, 3, 4, 5, 6, NOSE, *_LIPS)
"""Skin, brows, eyes, glasses, nose, mouth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cheeks:
    """Of the mode "jaw": how far from the middle of 512 columns the skin mask is widened.

    Attributes:
        left: columns to the left.
        right: columns to the right.
    """

    left: int = 90
    right: int = 90


def lower(parts: NDArray[np.uint8], mode: Mode, cheeks: Cheeks) -> Mask:
    """`(512, 512)`, 0 or 255: what a new lower face may cover, before its upper half is taken away."""
    if mode == "raw":
        return _of(parts, (SKIN, *_LIPS))
    if mode == "neck":
        return _of(parts, (SKIN, *_LIPS, NECK))
    wide = np.asarray(cv2.dilate(_of(parts, (SKIN,)), jaw_kernel()), np.uint8)
    narrow = np.asarray(cv2.erode(wide, cheek_kernel(), iterations=2), np.uint8)
    columns = np.arange(SIDE)
    middle = SIDE // 2
    outer = (columns <= middle - cheeks.left) | (columns >= middle + cheeks.right)
    mask = np.where(outer, narrow, wide)
    mask[parts == NOSE] = 0
    mask[np.isin(parts, _LIPS)] = 255
    return mask


def whole(parts: NDArray[np.uint8]) -> Mask:
    """`(512, 512)`, 0 or 255: all of a face."""
    return _of(parts, _FACE)


def ellipse(box: Box, square: Box) -> Mask:
    """`(512, 512)`, 0 or 255: the ellipse that fills a box, as seen in the square around it."""
    x1, y1, x2, y2 = box
    scale = SIDE / (square[2] - square[0])
    centre = (((x1 + x2) / 2 - square[0]) * scale, ((y1 + y2) / 2 - square[1]) * scale)
    axes = ((x2 - x1) / 2 * scale, (y2 - y1) / 2 * scale)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    shift = 16  # fractions of a pixel, as OpenCV wants them
    at = (round(centre[0] * shift), round(centre[1] * shift))
    size = (max(1, round(axes[0] * shift)), max(1, round(axes[1] * shift)))
    cv2.ellipse(mask, at, size, 0.0, 0.0, 360.0, 255.0, -1, cv2.LINE_AA, 4)
    return mask


def _of(parts: NDArray[np.uint8], wanted: tuple[int, ...]) -> Mask:
    return np.where(np.isin(parts, wanted), 255, 0).astype(np.uint8)


def jaw_kernel() -> NDArray[np.uint8]:
    """`(33, 33)`: reaches down like a drop, so that skin grows over the jaw and not over the brow."""
    kernel = np.zeros((33, 33), np.uint8)
    for row in range(10, 33):
        half = min(row - 10, 10)
        kernel[row, 16 - half : 17 + half] = 1
    return kernel


def cheek_kernel() -> NDArray[np.uint8]:
    """`(3, 35)`: takes skin back at the sides."""
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (35, 3)), np.uint8)


def square_around(box: Box) -> Box:
    """The square that is parsed; it may leave the frame."""
    x1, y1, x2, y2 = box
    x, y = (x1 + x2) // 2, (y1 + y2) // 2
    half = int(max(x2 - x1, y2 - y1) // 2 * AROUND)
    return x - half, y - half, x + half, y + half


def cut(frame: Image, square: Box, edge: bool = False) -> Image:
    """The square of a frame; where it leaves it, black, or with `edge` the frame's edge repeated."""
    x1, y1, x2, y2 = square
    h, w = frame.shape[:2]
    if edge:
        rows, columns = np.arange(y1, y2).clip(0, h - 1), np.arange(x1, x2).clip(0, w - 1)
        return np.ascontiguousarray(frame[rows[:, None], columns])
    part = np.zeros((y2 - y1, x2 - x1, 3), np.uint8)
    a, b, c, d = max(x1, 0), max(y1, 0), min(x2, w), min(y2, h)
    if c > a and d > b:
        part[b - y1 : d - y1, a - x1 : c - x1] = frame[b:d, a:c]
    return part


def parsable(part: Image) -> Image:
    """`(512, 512, 3)`: a square cut from a frame, as it is parsed."""
    shrunk = Pictures.fromarray(part).resize((SIDE, SIDE), Pictures.Resampling.BILINEAR)
    return np.asarray(shrunk, np.uint8)


def placed(mask: Mask, square: Box, box: Box, top: float = 0.5) -> Mask:
    """A mask of 512 in the square's own pixels, within the box and below a share of the square's height."""
    side = square[2] - square[0]
    sized = np.asarray(
        Pictures.fromarray(mask).resize((side, side), Pictures.Resampling.BICUBIC), np.uint8
    )
    x1, y1, x2, y2 = (v - square[n % 2] for n, v in enumerate(box))
    kept = np.zeros_like(sized)
    begin = max(y1, int(top * side))
    kept[begin:y2, x1:x2] = sized[begin:y2, x1:x2]
    return kept


def blurred(mask: Mask, softness: float) -> Mask:
    """With a soft rim, whose width is a share of the square's."""
    size = int(softness * mask.shape[1] // 2 * 2) + 1
    return np.asarray(cv2.GaussianBlur(mask, (size, size), 0), np.uint8)


def pasted(frame: Image, face: Image, box: Box, mask: Mask, square: Box) -> Image:
    """A copy of the frame with a face in the box, through a mask in the square; levels as Pillow rounds them.

    Args:
        frame: `(H, W, 3)`.
        face: `(y2 - y1, x2 - x1, 3)`.
        box: where it goes.
        mask: in the square's pixels.
        square: where the mask lies.
    """
    out = frame.copy()
    h, w = frame.shape[:2]
    a, b = max(box[0], square[0], 0), max(box[1], square[1], 0)
    c, d = min(box[2], square[2], w), min(box[3], square[3], h)
    if c <= a or d <= b:
        return out
    share = mask[b - square[1] : d - square[1], a - square[0] : c - square[0], None].astype(
        np.int32
    )
    new = face[b - box[1] : d - box[1], a - box[0] : c - box[0]].astype(np.int32)
    mixed = out[b:d, a:c].astype(np.int32) * (255 - share) + new * share + 128
    out[b:d, a:c] = ((mixed >> 8) + mixed) >> 8
    return out
