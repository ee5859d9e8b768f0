"""Flattens the folds that a smile leaves beside the mouth when its lips are closed again.

A warp moves a fold but cannot light it anew. So its shading, and only that, is taken out of the
picture: the band between skin texture and the large form of the cheek.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from lipsync_core.builtin.viseme.topology import FOLDS, LOWER_OUTER, NOSE_WINGS, UPPER_OUTER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.builtin.viseme.layers import Plane
    from lipsync_core.records import Image

RESOLUTION = 36.0
"""Pixels per eye distance of the working copy: finer detail is texture and stays."""
WIDTH, CONTEXT = 0.11, 0.19
"""Half width of the strip that is changed, and of the skin it is compared with (eye distances)."""
SMOOTH = 0.13
"""What is smaller than this is the fold, what is larger the form of the cheek."""
AMOUNT = 0.95


def flatten(image: Image, goal: Plane, scale: float, amount: float) -> None:
    """Flatten both folds in a picture, in place.

    Args:
        image: `(H, W, 3)` with the lips already moved.
        goal: `(468, 2)` landmarks in it.
        scale: pixels per eye distance.
        amount: 0..1.
    """
    if amount < 0.02:
        return
    for fold, wing in zip(FOLDS, NOSE_WINGS, strict=True):
        _one(image, goal, goal[fold], goal[wing], scale, AMOUNT * amount)


def _one(image: Image, goal: Plane, fold: Plane, wing: Plane, scale: float, amount: float) -> None:
    pad = 3 * CONTEXT * scale
    low = np.maximum(np.floor(fold.min(axis=0) - pad).astype(int), 0)
    high = np.minimum(np.ceil(fold.max(axis=0) + pad).astype(int), image.shape[1::-1])
    if (high - low < 8).any():
        return
    part = image[low[1] : high[1], low[0] : high[0]]
    shrink = min(1.0, RESOLUTION / scale)
    size = (max(4, round(part.shape[1] * shrink)), max(4, round(part.shape[0] * shrink)))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    factor = np.array(size) / np.array(part.shape[1::-1])
    unit = scale * float(factor.mean())

    def here(points: Plane) -> Plane:
        return np.asarray((points - low + 0.5) * factor - 0.5)

    lips = here(np.concatenate([goal[UPPER_OUTER], goal[LOWER_OUTER[-2:0:-1]]]))
    other = np.zeros(size[::-1], np.uint8)
    cv2.fillPoly(other, [np.round(lips).astype(np.int32)], 255)
    cv2.fillPoly(other, [np.round(here(wing)).astype(np.int32)], 255)
    away = np.clip(cv2.distanceTransform(255 - other, cv2.DIST_L2, 3) / (0.05 * unit) - 0.4, 0, 1)
    distance = _distance(here(fold), size)
    skin = np.exp(-((distance / (CONTEXT * unit)) ** 2)) * away
    strip = np.exp(-((distance / (WIDTH * unit)) ** 2)) * away
    strip[strip < 0.02] = 0
    sigma = SMOOTH * unit
    weight = cv2.GaussianBlur(skin.astype(np.float32), (0, 0), sigma)
    form = cv2.GaussianBlur(small * skin[..., None].astype(np.float32), (0, 0), sigma)
    form = form / np.maximum(weight, 1e-3)[..., None]
    change = (form - small) * (amount * strip[..., None]).astype(np.float32)
    full = cv2.resize(change, part.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    part[:] = np.clip(part + full + np.float32(0.5), 0, 255).astype(np.uint8)


def _distance(line: Plane, size: tuple[int, int]) -> NDArray[np.float32]:
    """`(H, W)` pixels to a polyline."""
    canvas = np.full(size[::-1], 255, np.uint8)
    cv2.polylines(canvas, [np.round(line).astype(np.int32)], False, 0)
    return np.asarray(cv2.distanceTransform(canvas, cv2.DIST_L2, 3), np.float32)
