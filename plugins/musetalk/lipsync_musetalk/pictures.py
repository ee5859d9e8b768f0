"""Faces as the VAE sees them, and back: plain arrays in, plain arrays out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Batch = NDArray[np.float32]
    """`(N, 3, H, W)` RGB, -1..1."""

SIDE = 256
"""Of a face, in pixels."""


def normalised(faces: NDArray[np.uint8]) -> Batch:
    """`(N, H, W, 3)` RGB -> what the encoder wants."""
    planes = np.moveaxis(faces, 3, 1).astype(np.float32)
    return np.ascontiguousarray(planes / np.float32(127.5) - np.float32(1.0))


def lower_half_hidden(faces: Batch) -> Batch:
    """The same with the lower half black: what is to be painted anew."""
    hidden = faces.copy()
    hidden[:, :, hidden.shape[2] // 2 :] = -1.0
    return hidden


def faces_of(decoded: Batch) -> NDArray[np.uint8]:
    """`(N, H, W, 3)` RGB from what the decoder gave; levels are rounded."""
    levels = np.rint(np.clip(decoded / 2.0 + 0.5, 0.0, 1.0) * 255.0)
    return np.ascontiguousarray(np.moveaxis(levels.astype(np.uint8), 1, 3))
