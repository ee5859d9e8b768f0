"""Faces as the autoencoder sees them, and back: plain arrays in, plain arrays out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from lipsync_latentsync.mask import mask, painted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Batch = NDArray[np.float32]
    """`(N, 3, H, W)` RGB, -1..1."""


def squared(crops: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """`(N, side, side, 3)`: aligned faces of 3:4, squeezed to the network's square."""
    made = [cv2.resize(crop, (side, side), interpolation=cv2.INTER_LANCZOS4) for crop in crops]
    return np.stack(made).astype(np.uint8)


def normalised(squares: NDArray[np.uint8]) -> Batch:
    """`(N, H, W, 3)` RGB -> what the encoder wants."""
    planes = np.moveaxis(squares, 3, 1).astype(np.float32)
    return np.ascontiguousarray(planes / np.float32(127.5) - np.float32(1.0))


def hidden(faces: Batch) -> Batch:
    """The same with grey where the face is painted anew."""
    return faces * mask(faces.shape[-1])


def levels(faces: Batch) -> NDArray[np.uint8]:
    """`(N, H, W, 3)` RGB from -1..1, rounded."""
    cut = np.clip(faces / 2.0 + 0.5, 0.0, 1.0) * 255.0
    return np.ascontiguousarray(np.moveaxis(np.rint(cut).astype(np.uint8), 1, 3))


def composed(crops: NDArray[np.uint8], made: Batch) -> NDArray[np.uint8]:
    """The crops with what was painted, and everything else as it was.

    Upstream puts the rest of the face through two resamplings as well, which softens it.

    Args:
        crops: `(N, H, W, 3)` RGB, aligned faces.
        made: `(N, 3, side, side)` of the decoder.
    """
    height, width = crops.shape[1:3]
    fresh = [
        cv2.resize(square, (width, height), interpolation=cv2.INTER_CUBIC)
        if square.shape[:2] != (height, width)
        else square
        for square in np.moveaxis(made, 1, 3) / np.float32(2) + np.float32(0.5)
    ]
    new = np.clip(np.stack(fresh), 0.0, 1.0) * np.float32(255)
    share = painted(width, height)
    return np.asarray(np.rint(crops + (new - crops) * share), np.uint8)
