"""Reads light and colours of a face: what teeth and tongue would look like inside this mouth.

The whites of the eyes are the only white thing in most faces; skin says how bright it is, lips how red this
person is. All are medians over frames, so one odd frame does not tint the mouth; how bright a single frame
is, its own skin says (`gain`), so that a fade or a shadow falls on the mouth as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lipsync_core.builtin.viseme.topology import (
    CHEEK_PATCHES,
    LEFT_LIDS,
    LOWER_INNER,
    LOWER_OUTER,
    RIGHT_LIDS,
    UPPER_INNER,
    UPPER_OUTER,
)

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
WARM = np.array([1.02, 1.0, 0.94])
"""Teeth are a little warmer than white."""
MUCOSA = np.array([1.30, 0.88, 0.86])
"""Lining of a mouth and tongue over its brightness under white light (R, G, B)."""
MUCOSA_SHARE, MUCOSA_BRIGHTNESS = 0.6, 0.66
"""How much of it there is in the colour of the mouth, whose rest is the person's lips (they may be
painted), and its brightness over that of the skin."""
COLOURED = 0.22
"""Saturation (HSV) of the skin from which on a picture is one in colour; below, its mouth loses colour with
it. Skin in colour has 0.25 to 0.6, in black-and-white pictures 0."""
MOST_GAIN = 3.0
"""A frame brighter than that by its skin is an error."""
DARKEST = 6.0
"""Brightness of the skin (0..255) of a track in which there is nothing to see."""


@dataclass(frozen=True, slots=True)
class Light:
    """Light and colours of one face.

    Attributes:
        tint: `(3,)` colour of the light, RGB of luma 1.
        skin: `(3,)` colour of the cheeks, RGB 0..255.
        lips: `(3,)` colour of the lips, RGB 0..255.
        teeth: brightness of teeth, 0..255.
    """

    tint: NDArray[np.float64]
    skin: NDArray[np.float64]
    lips: NDArray[np.float64]
    teeth: float

    @property
    def brightness(self) -> float:
        """Luma of the skin, 0..255."""
        return float(self.skin @ LUMA)

    @property
    def chroma(self) -> float:
        """How far the picture is one in colour: 0 black and white .. 1."""
        saturation = np.ptp(self.skin) / max(float(self.skin.max()), 1.0)
        return float(np.clip(saturation / COLOURED, 0, 1))

    @property
    def white(self) -> NDArray[np.float64]:
        """`(3,)` RGB of teeth in this light."""
        warm = 1 + self.chroma * (WARM - 1)
        return np.asarray(np.clip(self.teeth * self.tint * warm, 0, 245))

    @property
    def flesh(self) -> NDArray[np.float64]:
        """`(3,)` RGB of the tongue, fully lit."""
        hue = MUCOSA / float(MUCOSA @ LUMA)
        lining = self.brightness * MUCOSA_BRIGHTNESS * self.tint * (1 + self.chroma * (hue - 1))
        return np.asarray(MUCOSA_SHARE * lining + (1 - MUCOSA_SHARE) * self.lips)

    def gain(self, image: Image, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """`(3,)` how much brighter one frame is than the track, by channel.

        Args:
            image: `(H, W, 3)`.
            points: `(468 or more, 2)` pixels.
        """
        now = _skin(image, points)
        return np.asarray(np.clip(now / np.maximum(self.skin, DARKEST), 0, MOST_GAIN))


def read(images: NDArray[np.uint8], landmarks: NDArray[np.float64]) -> Light:
    """The light in `(N, H, W, 3)` pictures with `(N, 478, 3)` landmarks."""
    skins, whites, lips = [], [], []
    for image, points in zip(images, landmarks[..., :2], strict=True):
        skins.append(_skin(image, points))
        lips.append(_lips(image, points))
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
    return Light(tint / float(tint @ LUMA), skin, np.median(lips, axis=0), min(teeth, 228.0))


def _lips(image: Image, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colour of the lips, between their edges; highlights and the dark of the mouth left out."""
    height, width = image.shape[:2]
    middles = np.concatenate(
        [
            (points[UPPER_INNER] + points[UPPER_OUTER])[2:-2] / 2,
            (points[LOWER_INNER] + points[LOWER_OUTER])[2:-2] / 2,
        ]
    )
    x, y = np.clip(np.round(middles).astype(int), 0, np.array([width, height]) - 1).T
    return np.asarray(np.median(image[y, x], axis=0), np.float64)


def _skin(image: Image, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(3,)` median colour of the patches on the cheeks; of every frame, so without numpy's slow median."""
    radius = max(1, int(0.06 * math.dist(points[33], points[263])))
    height, width = image.shape[:2]
    patches = []
    for x, y in np.round(points[CHEEK_PATCHES]).astype(int).tolist():
        x, y = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
        patch = image[max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1]
        patches.append(cv2.mean(patch)[:3])
    ranked, half = np.sort(np.asarray(patches), axis=0), len(patches) // 2
    return np.asarray((ranked[half] + ranked[-half - 1]) / 2, np.float64)


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
