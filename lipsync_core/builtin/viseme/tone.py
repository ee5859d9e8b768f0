"""Reads the light on a face: what white would look like inside this mouth.

The whites of the eyes are the only white thing in most faces; the skin says how bright it is. Both
are medians over frames, so one odd frame does not tint the mouth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lipsync_core.builtin.viseme.topology import CHEEK_PATCHES, LEFT_LIDS, RIGHT_LIDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.records import Image

LUMA = np.array([0.299, 0.587, 0.114])
REFERENCE_SKIN = np.array([1.25, 0.95, 0.80])
"""Skin over its brightness under white light (R, G, B); set by eye in the prototype."""
SKIN_TRUST = 0.5
"""Share of the skin's colour cast that is believed to be light, when the eyes are too small."""
TINT_RANGE = (0.5, 1.5)
SCLERA_PIXELS = 12
"""Fewer pixels of eye white say nothing."""


@dataclass(frozen=True, slots=True)
class Light:
    """`tint`: colour of the light, luma 1, `(3,)`; `skin` and `teeth`: brightness 0..255."""

    tint: NDArray[np.float64]
    skin: float
    teeth: float

    @property
    def white(self) -> NDArray[np.float64]:
        """`(3,)` RGB of teeth in this light: a little warmer than white."""
        return np.asarray(np.clip(self.teeth * self.tint * np.array([1.02, 1.0, 0.94]), 8, 245))


def read(images: NDArray[np.uint8], landmarks: NDArray[np.float64]) -> Light:
    """The light in `(N, H, W, 3)` pictures with `(N, 478, 3)` landmarks."""
    skins, whites = [], []
    for image, points in zip(images, landmarks[..., :2], strict=True):
        skins.append(_skin(image, points))
        white = _sclera(image, points)
        if white is not None:
            whites.append(white)
    skin = np.median(skins, axis=0)
    brightness = float(skin @ LUMA)
    if whites:
        white = np.median(whites, axis=0)
        tint = white / max(float(white @ LUMA), 1.0)
        # Whites lie in the lids' shadow, and teeth in the lips': about as bright as the skin.
        own = 0.5 * (1.05 * brightness + 1.15 * float(white @ LUMA))
        teeth = max(own, 0.95 * brightness)
    else:
        cast = skin / max(brightness, 1.0) / REFERENCE_SKIN
        tint = 1 + SKIN_TRUST * (cast / float(cast @ LUMA) - 1)
        teeth = 1.08 * brightness
    tint = np.clip(tint, *TINT_RANGE)
    return Light(tint / float(tint @ LUMA), brightness, float(np.clip(teeth, 25, 228)))


def _skin(image: Image, points: NDArray[np.float64]) -> NDArray[np.float64]:
    radius = max(1, int(0.06 * np.linalg.norm(points[33] - points[263])))
    height, width = image.shape[:2]
    patches = []
    for x, y in np.round(points[CHEEK_PATCHES]).astype(int):
        x, y = int(np.clip(x, 0, width - 1)), int(np.clip(y, 0, height - 1))
        patch = image[max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1]
        patches.append(patch.reshape(-1, 3).mean(axis=0))
    return np.asarray(np.median(patches, axis=0))


def _sclera(image: Image, points: NDArray[np.float64]) -> NDArray[np.float64] | None:
    found = []
    for lids, iris in ((LEFT_LIDS, 468), (RIGHT_LIDS, 473)):
        eye = points[lids]
        low = np.floor(eye.min(axis=0)).astype(int) - 1
        high = np.ceil(eye.max(axis=0)).astype(int) + 2
        if (low < 0).any() or high[0] > image.shape[1] or high[1] > image.shape[0]:
            continue
        mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        shrunk = eye.mean(axis=0) + 0.85 * (eye - eye.mean(axis=0))
        cv2.fillPoly(mask, [np.round((shrunk - low) * 16).astype(np.int32)], 255, cv2.LINE_8, 4)
        centre = points[iris]
        radius = np.linalg.norm(points[iris + 1 : iris + 5] - centre, axis=1).mean()
        ys, xs = np.nonzero(mask)
        outside = np.hypot(xs + low[0] - centre[0], ys + low[1] - centre[1]) > 1.15 * radius
        found.append(image[ys[outside] + low[1], xs[outside] + low[0]])
    pixels = np.concatenate(found) if found else np.zeros((0, 3))
    if len(pixels) < SCLERA_PIXELS:
        return None
    luma = pixels @ LUMA
    # The darkest are lashes and shadow, the very brightest a reflection of the lamp.
    keep = (luma >= np.quantile(luma, 0.6)) & (luma <= np.quantile(luma, 0.95))
    return np.asarray(pixels[keep].mean(axis=0))
