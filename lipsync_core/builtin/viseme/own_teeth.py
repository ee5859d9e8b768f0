"""A person's own upper teeth, taken from the frame that shows them best."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from lipsync_core.builtin.viseme.canonical import gap
from lipsync_core.builtin.viseme.layers import fill
from lipsync_core.builtin.viseme.pose import fit
from lipsync_core.builtin.viseme.tone import LUMA
from lipsync_core.builtin.viseme.topology import LOWER_INNER, MESH, UPPER_INNER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.builtin.viseme.canonical import Canonical
    from lipsync_core.builtin.viseme.teeth import Sheet, Texture
    from lipsync_core.builtin.viseme.tone import Light
    from lipsync_core.records import Image

LEAST_OPENING = 0.07
"""An own mouth less open shows too little of the teeth."""
LEAST_SCALE = 35.0
"""Pixels per eye distance below which a face's teeth are a smear."""
CANDIDATES = 4
LIP_SHADOW, LEAST_HEIGHT = 0.03, 0.035
"""Eye distances: what the upper lip darkens, and what must be seen of a tooth to take it."""
LIT, MOST_GAIN = 0.9, 1.5
"""Own teeth are brightened to this share of what white would be, but not by more than the other."""
LEAST_PIXELS = 50
"""Pixels of the texture between the lips; fewer say nothing."""
DULLEST = 0.55
"""Median brightness between the lips over that of white: below, it is shadow or tongue."""
REDDEST = 1.5
"""Red over green, light taken out: the bundled teeth have 1.2, the painted tongue 2.1."""


def harvest(
    images: NDArray[np.uint8],
    landmarks: NDArray[np.float64],
    canonical: Canonical,
    light: Light,
    sheet: Sheet,
) -> Texture | None:
    """The person's own upper teeth, from the frame that shows them best; None if none does.

    Args:
        images: `(N, H, W, 3)`.
        landmarks: `(N, 478, 3)` in their pixels.
        canonical: the neutral face.
        light: the light on it.
        sheet: where the texture shall lie.
    """
    openings = gap(landmarks)
    scores = [
        _brightness(image, points) * min(opening, 0.2) if opening >= LEAST_OPENING else 0.0
        for image, points, opening in zip(images, landmarks[..., :2], openings, strict=True)
    ]
    for i in np.argsort(scores)[::-1][:CANDIDATES]:
        if scores[i] <= 0:
            break
        texture = _take(images[i], landmarks[i, :MESH, :2], canonical, light, sheet)
        if texture is not None:
            return texture
    return None


def _brightness(image: Image, points: NDArray[np.float64]) -> float:
    """Mean brightness a quarter of the way down between the lips."""
    places = (0.75 * points[UPPER_INNER] + 0.25 * points[LOWER_INNER])[3:8]
    x, y = np.clip(np.round(places).astype(int), 0, np.array(image.shape[1::-1]) - 1).T
    return float((image[y, x] @ LUMA).mean())


def _take(
    image: Image,
    points: NDArray[np.float64],
    canonical: Canonical,
    light: Light,
    sheet: Sheet,
) -> Texture | None:
    pose = fit(canonical.mesh, points)
    if np.sqrt(abs(np.linalg.det(pose[:2]))) < LEAST_SCALE:
        return None
    inverse = cv2.invertAffineTransform(sheet.place(pose))
    width, height = sheet.size
    flat = cv2.warpAffine(
        image, inverse, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    texture = np.asarray(flat, np.float32)
    upper = points[UPPER_INNER] @ inverse[:, :2].T + inverse[:, 2]
    lower = points[LOWER_INNER] @ inverse[:, :2].T + inverse[:, 2]
    # Stay clear of the lips themselves, their edge is blurred into the teeth.
    top, bottom = upper + 0.10 * (lower - upper), lower + 0.08 * (upper - lower)
    inside = fill(np.concatenate([top, bottom[::-1]]), height, width) > 200
    columns = np.arange(width)
    middle = np.abs(columns - width / 2) < 0.6 * canonical.half_width * sheet.resolution
    white = _own_white(texture[inside & middle], light)
    upper_edge = np.interp(columns, top[:, 0], top[:, 1])
    lower_edge = np.interp(columns, bottom[:, 0], bottom[:, 1])
    if white is None or _lower_is_brighter(texture, inside & middle, upper_edge, lower_edge):
        return None
    colour = _continued(texture, upper_edge, lower_edge, sheet.resolution)
    alpha = _tooth_alpha(colour, white)
    if not _is_a_row(alpha, upper_edge, lower_edge, middle, sheet.resolution):
        return None
    # What is dark between two teeth belongs to them, and brings its own darkness.
    gap_size = 2 * max(1, round(0.03 * sheet.resolution)) + 1
    filled = cv2.morphologyEx(alpha, cv2.MORPH_CLOSE, np.ones((gap_size, gap_size)))
    sides = (float(top[0, 0]), float(top[-1, 0]))
    row = filled * _outline(upper_edge, lower_edge, sides, height, sheet.resolution)
    soft = cv2.GaussianBlur(row, (0, 0), max(0.008 * sheet.resolution, 0.3))
    # They were seen in the shadow of the lips, which is painted over them again.
    gain = np.clip(LIT * light.teeth / float(white @ LUMA), 1, MOST_GAIN)
    rgba = np.dstack([np.clip(gain * colour, 0, 255), 255 * np.asarray(soft)])
    rgba[rgba[..., 3] < 1] = 0
    return rgba.astype(np.uint8)


def _continued(
    texture: NDArray[np.float32],
    upper_edge: NDArray[np.float64],
    lower_edge: NDArray[np.float64],
    unit: float,
) -> NDArray[np.float32]:
    """The picture between the edges; above it the topmost row continues, melting into gum.

    A lip that rises higher than in the source then shows tooth and gum, not lip.
    """
    height, width = texture.shape[:2]
    columns, rows = np.arange(width), np.arange(height)[:, None]
    first = np.ceil(upper_edge + 1)
    take = np.clip(rows, first, np.maximum(np.floor(lower_edge - 1), first)).astype(np.float32)
    across = np.ascontiguousarray(np.broadcast_to(columns.astype(np.float32), take.shape))
    colour = np.asarray(cv2.remap(texture, across, take, cv2.INTER_LINEAR), np.float32)
    gum = np.asarray(cv2.GaussianBlur(colour, (0, 0), 0.06 * unit), np.float32)
    share = np.clip((upper_edge - rows) / (0.05 * unit), 0, 1)[..., None].astype(np.float32)
    return np.asarray(colour + share * (gum - colour), np.float32)


def _outline(
    upper_edge: NDArray[np.float64],
    lower_edge: NDArray[np.float64],
    sides: tuple[float, float],
    height: int,
    unit: float,
) -> NDArray[np.float32]:
    """Alpha of the row's shape: sharp below, reaching under the lip above, fading at both ends."""
    columns, rows = np.arange(len(upper_edge)), np.arange(height)[:, None]
    alpha = np.clip((lower_edge - rows) / (0.018 * unit), 0, 1)
    alpha = alpha * np.clip((rows - (upper_edge - 0.16 * unit)) / (0.02 * unit), 0, 1)
    middle, half = (sides[0] + sides[1]) / 2, (sides[1] - sides[0]) / 2
    aside = np.abs(columns - middle) / max(half, 1.0)
    return np.asarray(alpha * np.clip((0.86 - aside) / 0.14, 0, 1), np.float32)


def _own_white(pixels: NDArray[np.float32], light: Light) -> NDArray[np.float32] | None:
    """`(3,)` colour of the brighter half between the lips, or None when that is not tooth."""
    if len(pixels) < LEAST_PIXELS:
        return None
    bright = pixels @ LUMA.astype(np.float32)
    middle = float(np.median(bright))
    white = np.asarray(pixels[bright >= middle].mean(axis=0), np.float32)
    neutral = white / light.tint
    if middle < DULLEST * light.teeth or neutral[0] > REDDEST * neutral[1]:
        return None
    return white


def _lower_is_brighter(
    texture: NDArray[np.float32],
    inside: NDArray[np.bool_],
    upper_edge: NDArray[np.float64],
    lower_edge: NDArray[np.float64],
) -> bool:
    """Whether what shines are the lower teeth: those must not be taken for the upper ones."""
    half = np.arange(len(texture))[:, None] < (upper_edge + lower_edge) / 2
    bright = texture @ LUMA.astype(np.float32)
    above, below = bright[inside & half], bright[inside & ~half]
    return bool(len(above) and len(below) and above.mean() < 0.85 * below.mean())


def _is_a_row(
    alpha: NDArray[np.float32],
    upper_edge: NDArray[np.float64],
    lower_edge: NDArray[np.float64],
    middle: NDArray[np.bool_],
    unit: float,
) -> bool:
    """Whether teeth hang down from the upper lip all across the middle of the mouth.

    Cuts away, in place, what is bright again farther down: the lower teeth of a wide open mouth.
    """
    rows = np.arange(len(alpha))[:, None]
    # Directly under the lip lies its shadow, which ends no tooth.
    below = rows > upper_edge + LIP_SHADOW * unit
    alpha[:] = np.where(below, np.minimum.accumulate(np.where(below, alpha, 1), axis=0), alpha)
    tooth = (alpha > 0.5) & (rows > upper_edge) & (rows < lower_edge)
    high = tooth.sum(axis=0) > LEAST_HEIGHT * unit
    return bool(high[middle].mean() > 0.75)


def _tooth_alpha(colour: NDArray[np.float32], white: NDArray[np.float32]) -> NDArray[np.float32]:
    """What is tooth: bright and, measured against the teeth themselves, not red like gum."""
    relative = colour / np.maximum(white, 1)
    bright = relative.max(axis=2)
    red = (bright - relative[..., 1:].min(axis=2)) / np.maximum(bright, 0.01)
    lit = np.clip((bright - 0.25) / 0.25, 0, 1)
    return np.asarray(lit * np.clip((0.5 - red) / 0.15, 0, 1), np.float32)
