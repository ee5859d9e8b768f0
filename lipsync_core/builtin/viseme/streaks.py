"""Softens, across the lips, what a strong squeeze makes of their texture.

Pursed lips are narrower and higher than the ones they are made of: small spots become upright
streaks. A blur along the lips, as wide as the squeeze is strong, takes the streaks out and leaves
the shading from edge to edge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from lipsync_core.builtin.viseme.topology import (
    LOWER_INNER,
    LOWER_OUTER,
    UPPER_INNER,
    UPPER_OUTER,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.builtin.viseme.layers import Plane
    from lipsync_core.records import Image

SQUEEZE_FROM, SQUEEZE_FULL = 1.2, 2.6
"""Higher and narrower by this factor: streaks begin to show, are at their worst."""
BLUR = 0.035
"""Standard deviation along the lips at the worst, in eye distances."""
EDGE = 0.02
MIDDLE = slice(3, 8)


def squeeze(fetched: Plane, goal: Plane, outer: NDArray[np.int_], inner: NDArray[np.int_]) -> float:
    """How much higher and narrower one lip becomes: 1 for none."""

    def shape(points: Plane) -> float:
        thick = points[outer[MIDDLE]] - points[inner[MIDDLE]]
        width = points[outer[-1]] - points[outer[0]]
        height = float(np.sqrt((thick * thick).sum(axis=1)).mean())
        return height / (float(np.sqrt(width @ width)) + 1e-9)

    return shape(goal) / (shape(fetched) + 1e-9)


def soften(image: Image, fetched: Plane, goal: Plane, scale: float) -> None:
    """Soften both lips in a picture, in place.

    Args:
        image: `(H, W, 3)` with the lips already moved.
        fetched: `(468, 2)` where their pixels came from.
        goal: `(468, 2)` where they are now.
        scale: pixels per eye distance.
    """
    for outer, inner in ((UPPER_OUTER, UPPER_INNER), (LOWER_OUTER, LOWER_INNER)):
        factor = squeeze(fetched, goal, outer, inner)
        amount = float(np.clip((factor - SQUEEZE_FROM) / (SQUEEZE_FULL - SQUEEZE_FROM), 0, 1))
        sigma = BLUR * scale * amount
        if sigma > 0.3:
            _blur(image, np.concatenate([goal[outer], goal[inner][::-1]]), sigma, EDGE * scale)


def _blur(image: Image, lip: Plane, sigma: float, edge: float) -> None:
    pad = int(3 * max(sigma, edge)) + 2
    low = np.maximum(np.floor(lip.min(axis=0)).astype(int) - pad, 0)
    high = np.minimum(np.ceil(lip.max(axis=0)).astype(int) + pad, image.shape[1::-1])
    if (high - low < 4).any():
        return
    part = image[low[1] : high[1], low[0] : high[0]]
    mask = np.zeros(part.shape[:2], np.float32)
    cv2.fillPoly(mask, [np.round((lip - low) * 16).astype(np.int32)], 1.0, cv2.LINE_8, 4)
    # Only the lip's own pixels are mixed, the inside of the mouth and the skin stay out.
    kernel = (0, 0)
    weight = cv2.GaussianBlur(mask, kernel, sigmaX=sigma, sigmaY=0.3)
    mixed = cv2.GaussianBlur(part * mask[..., None], kernel, sigmaX=sigma, sigmaY=0.3)
    mixed = mixed / np.maximum(weight, 1e-3)[..., None]
    soft = cv2.GaussianBlur(mask, kernel, max(edge, 0.5)) * mask
    soft = np.asarray(soft, np.float32)[..., None]
    part[:] = np.clip(part + soft * (mixed - part) + np.float32(0.5), 0, 255).astype(np.uint8)
