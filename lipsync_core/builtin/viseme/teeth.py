"""Upper teeth as a texture: taken from the person's own open mouth, else the bundled ones re-tinted.

A texture spans `2.4 * half_width` x 1.1 eye distances; the line where the lips meet is 35 % down.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
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
    from lipsync_core.builtin.viseme.tone import Light
    from lipsync_core.records import Image

    Texture = NDArray[np.uint8]
    """`(H, W, 4)` RGB and alpha."""

BUNDLED = Path(__file__).with_name("teeth.png")
"""Upper teeth at rest, from the bundled public-domain portrait (training/teeth/make.py made it)."""
LINE = 0.35
BEHIND = 0.10
"""Teeth lie this far behind the lips (eye distances): 6 mm of lip."""
LEAST_OPENING = 0.07
"""An own mouth less open shows too little of the teeth."""
LEAST_SCALE = 35.0
"""Pixels per eye distance below which a face's teeth are a smear."""
CANDIDATES = 4


@dataclass(frozen=True, slots=True)
class Sheet:
    """Geometry of a texture: `resolution` pixels per eye distance around a canonical mouth."""

    canonical: Canonical
    resolution: float

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return (
            max(8, int(2.4 * self.canonical.half_width * self.resolution)),
            max(8, int(1.1 * self.resolution)),
        )

    def place(
        self, pose: NDArray[np.float64], drop: float = 0.0, narrow: float = 1.0
    ) -> NDArray[np.float64]:
        """2x3, texture -> picture, for the head's pose.

        Args:
            pose: `(4, 2)` of `pose.fit`.
            drop: moved down by this many eye distances.
            narrow: narrowed to this share of its width.
        """
        width, height = self.size
        c, r = self.canonical, self.resolution
        axes = np.array([pose[0] * narrow / r, pose[1] / r]).T
        depth = c.mesh[13, 2] + BEHIND
        origin = np.array(
            [c.centre - narrow * width / 2 / r, c.line - height * LINE / r + drop, depth, 1.0]
        )
        return np.column_stack([axes, origin @ pose])


def bundled() -> Texture:
    """The bundled upper teeth."""
    picture = cv2.imread(str(BUNDLED), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise FileNotFoundError(BUNDLED)
    return np.ascontiguousarray(picture[..., [2, 1, 0, 3]])


def tinted(texture: Texture, light: Light) -> Texture:
    """A texture with its teeth brought to the colour of white in this light."""
    colour = texture[..., :3].astype(np.float64)
    middle = texture[..., 3] > 150
    width = middle.shape[1]
    middle[:, : int(0.38 * width)] = False
    middle[:, int(0.62 * width) :] = False
    own = colour[middle].mean(axis=0) if middle.any() else np.full(3, 180.0)
    out = texture.copy()
    out[..., :3] = np.clip(colour * (light.white / np.maximum(own, 1)), 0, 255)
    return out


def resized(texture: Texture, size: tuple[int, int]) -> Texture:
    """The texture at another resolution, without aliasing."""
    shrinks = size[0] < texture.shape[1]
    flag = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(texture, size, interpolation=flag), np.uint8)


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
    central = inside & (np.abs(columns - width / 2) < 0.6 * canonical.half_width * sheet.resolution)
    tint = light.tint.astype(np.float32)
    bright = (texture / tint).max(axis=2)
    if central.sum() < 50 or np.median(bright[central]) < 0.55 * light.teeth:
        return None
    upper_edge = np.interp(columns, top[:, 0], top[:, 1])
    lower_edge = np.interp(columns, bottom[:, 0], bottom[:, 1])
    colour = _continued(texture, upper_edge, lower_edge, sheet.resolution)
    alpha = _tooth_alpha(np.asarray(colour / tint, np.float32), light.teeth)
    alpha *= _outline(upper_edge, lower_edge, (top[0, 0], top[-1, 0]), height, sheet.resolution)
    soft = cv2.GaussianBlur(alpha, (0, 0), max(0.008 * sheet.resolution, 0.3))
    rgba = np.dstack([np.clip(colour, 0, 255), 255 * np.asarray(soft)])
    rgba[rgba[..., 3] < 1] = 0
    return rgba.astype(np.uint8)


def _continued(
    texture: NDArray[np.float32],
    upper_edge: NDArray[np.float64],
    lower_edge: NDArray[np.float64],
    unit: float,
) -> NDArray[np.float32]:
    """The picture between the edges; above it the topmost row goes on, melting into gum.

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


def _tooth_alpha(colour: NDArray[np.float32], white: float) -> NDArray[np.float32]:
    """What is tooth: bright and, light taken out, not red like tongue or gum."""
    bright = colour.max(axis=2)
    red = (bright - colour.min(axis=2)) / np.maximum(bright, 1)
    lit = np.clip((bright - 0.22 * white) / (0.25 * white), 0, 1)
    return np.asarray(lit * np.clip((0.55 - red) / 0.15, 0, 1), np.float32)
