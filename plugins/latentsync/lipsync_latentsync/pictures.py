"""Faces as the autoencoder sees them, and back: plain arrays in, plain arrays out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from lipsync_latentsync.mask import mask, painted

_BLACK, _DARK = 4.0, 16.0
"""Mean levels: a painted part under the first is black, unless its crop is under the second, as at night."""

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


def unusable(crops: NDArray[np.uint8], made: Batch, painted: NDArray[np.float32]) -> str:
    """What is wrong with pictures that a network painted, in words; "" where nothing is.

    Some devices give NaN or black in half precision. Put into the crop a black mouth is no black picture any
    more, so it must be found here.

    Args:
        crops: `(N, H, W, 3)` uint8, where they go.
        made: `(N, 3, side, side)` in about -1..1.
        painted: `(N or 1, side, side)`, 1 where they are shown.
    """
    if not np.isfinite(made).all():
        return "pictures that are no numbers"
    share = painted / np.maximum(painted.sum((1, 2), keepdims=True), 1e-6)
    level = (np.clip(made.mean(1) / 2 + 0.5, 0, 1) * 255 * share).sum((1, 2))
    lit = (crops.mean((1, 2, 3)) > _DARK) & painted.any((1, 2))
    if np.any((level < _BLACK) & lit):
        return "black pictures"
    return ""


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
    return mixed(crops, made, painted(width, height))


def mixed(crops: NDArray[np.uint8], made: Batch, share: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The crops with so much of what was painted: `share` is `(height, width, 1)`, or one for each of N."""
    height, width = crops.shape[1:3]
    fresh = [
        cv2.resize(square, (width, height), interpolation=cv2.INTER_CUBIC)
        if square.shape[:2] != (height, width)
        else square
        for square in np.moveaxis(made, 1, 3) / np.float32(2) + np.float32(0.5)
    ]
    new = np.clip(np.stack(fresh), 0.0, 1.0) * np.float32(255)
    return np.asarray(np.rint(crops + (new - crops) * share), np.uint8)


def softened(crops: NDArray[np.uint8], made: Batch) -> NDArray[np.uint8]:
    """The crops as the original has them: whole faces of the network's square, at the crop's size again.

    What was not painted goes through the same two resamplings.

    Args:
        crops: `(N, H, W, 3)` RGB, aligned faces.
        made: `(N, 3, side, side)` of the decoder.
    """
    return levels(enlarged(hard(crops, made), crops.shape[1:3]))


def hard(crops: NDArray[np.uint8], made: Batch) -> Batch:
    """`(N, 3, side, side)`: what was painted within the mask, and the crop squeezed outside it."""
    kept = mask(made.shape[-1])
    return made * (1 - kept) + normalised(squared(crops, made.shape[-1])) * kept


def enlarged(faces: Batch, size: tuple[int, ...]) -> Batch:
    """`(N, 3, height, width)`: bicubic, with averaging where it shrinks."""
    from torch import from_numpy
    from torch.nn.functional import interpolate

    made = interpolate(from_numpy(faces), tuple(size), mode="bicubic", antialias=True)
    return np.asarray(made.numpy(), np.float32)
