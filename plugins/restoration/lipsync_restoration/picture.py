"""Pictures to what these networks eat and back, and what of a restored picture is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.records import Image

    Batch = NDArray[np.float32]
    """`(N, 3, H, W)` RGB in -1..1."""

_COARSE = 8
"""Shading is compared at an eighth of the size: it has no finer detail, and the blur is 64 times cheaper."""


def to_network(images: NDArray[np.uint8], size: int) -> Batch:
    """`(N, H, W, 3)` uint8 -> `(N, 3, size, size)` float32 RGB in -1..1: (v / 255 - 0.5) / 0.5."""
    fitted = np.stack([resized(image, size) for image in images])
    scaled = (fitted.astype(np.float32) / 255.0 - 0.5) / 0.5
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def from_network(batch: NDArray[np.floating]) -> NDArray[np.uint8]:
    """`(N, 3, H, W)` -> `(N, H, W, 3)` uint8; values beyond -1..1 are cut off, NaN becomes black."""
    clean = np.nan_to_num(np.asarray(batch, np.float32), nan=-1.0)
    levels = np.rint((np.clip(clean, -1.0, 1.0) + 1.0) * 127.5)
    return np.ascontiguousarray(levels.astype(np.uint8).transpose(0, 2, 3, 1))


def resized(image: Image, size: int) -> Image:
    """A square picture at another size: averaged when it shrinks, cubic when it grows."""
    if image.shape[:2] == (size, size):
        return image
    flag = cv2.INTER_AREA if size < image.shape[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (size, size), interpolation=flag), np.uint8)


def steadied(restored: Image, original: Image, scale: float) -> Image:
    """The restored picture with colours and shading coarser than `scale` pixels from the original.

    Each frame is restored by itself, so what a network does to colour and light changes from frame to frame
    and is seen as flicker; detail does not need it.

    Args:
        restored: `(H, W, 3)`.
        original: the same size.
        scale: sigma of the Gaussian that parts shading from detail, in pixels; 0 keeps `restored`.
    """
    if scale <= 0:
        return restored
    h, w = original.shape[:2]
    small = (max(1, w // _COARSE), max(1, h // _COARSE))
    gap = original.astype(np.float32) - restored.astype(np.float32)
    coarse = cv2.resize(gap, small, interpolation=cv2.INTER_AREA)
    coarse = cv2.GaussianBlur(coarse, (0, 0), scale / _COARSE, borderType=cv2.BORDER_REPLICATE)
    shading = cv2.resize(coarse, (w, h), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(np.rint(restored + shading), 0, 255), np.uint8)
