"""Closes the eyes of a still picture: the upper lid is drawn over the eye. Needs 478 points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lipsync_core.faces.spline import spline

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.records import Image, Points

MESH = 468
BLINK_CELL = 3.6
"""Seconds; each such span of time holds one blink. People blink about every 2 to 6 s."""
CLOSING, CLOSED, OPENING = 0.09, 0.04, 0.15
"""Seconds of a blink; people take about 0.2 to 0.3 s in all."""
SHUT = 0.97
"""The upper lid comes down this share of the eye's opening ..."""
LASHES = 0.12
"""... and takes the lashes below its edge along, this share of the opening."""
LEVELS = (0.25, 0.5, 0.75, 1.0)
"""Closures for which the lids' displacement is made; between them it is interpolated."""
GRID = 20

UPPER_LIDS = (
    np.array([246, 161, 160, 159, 158, 157, 173]),
    np.array([466, 388, 387, 386, 385, 384, 398]),
)
LOWER_LIDS = (
    np.array([7, 163, 144, 145, 153, 154, 155]),
    np.array([249, 390, 373, 374, 380, 381, 382]),
)
CREASES = (
    np.array([247, 30, 29, 27, 28, 56, 190]),
    np.array([467, 260, 259, 257, 258, 286, 414]),
)
CORNERS = ((33, 133), (263, 362))
FIXED = (
    np.array([33, 133, 130, 243, 70, 63, 105, 66, 107, 110, 24, 23, 22, 26, 112]),
    np.array([263, 362, 359, 463, 300, 293, 334, 296, 336, 339, 254, 253, 252, 256, 341]),
)


@dataclass(frozen=True, slots=True)
class Eye:
    """One eye's region, and what covers it when it closes.

    Attributes:
        x0, y0, x1, y1: the region in pixels.
        fields: `(1 + LEVELS, GRID, GRID, 2)` displacement of the upper lid's skin.
        edge: `(9, 2)` the open upper lid from corner to corner, in the region's pixels.
        travel: `(9, 2)` its way down to the lower lid.
    """

    x0: int
    y0: int
    x1: int
    y1: int
    fields: NDArray[np.float32]
    edge: NDArray[np.float64]
    travel: NDArray[np.float64]


def closure(seconds: float, seed: int) -> float:
    """How far the eyes are closed at a time: 0 open, 1 shut. A pure function."""
    cell = int(np.floor(seconds / BLINK_CELL))
    for k in (cell - 1, cell):
        if k < 0:
            continue
        rng = np.random.default_rng([seed, 2, k])
        begin = BLINK_CELL * k + float(rng.uniform(0.4, BLINK_CELL - 0.4))
        since = seconds - begin
        if 0 <= since < CLOSING + CLOSED + OPENING:
            down = min(since / CLOSING, 1.0)
            up = max(since - CLOSING - CLOSED, 0.0) / OPENING
            t = min(down, 1 - up)
            return t * t * (3 - 2 * t)
    return 0.0


def smooth(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 below 0, 1 above 1, an S between."""
    t = np.clip(t, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def lid_shift(landmarks: Points, closure: float) -> NDArray[np.float32]:
    """`(468, 2)` how lids and creases move when the eyes close."""
    shift = np.zeros((MESH, 2), np.float32)
    for upper, lower, crease in zip(UPPER_LIDS, LOWER_LIDS, CREASES, strict=True):
        opening = landmarks[lower, :2] - landmarks[upper, :2]
        shift[upper] = SHUT * closure * opening
        shift[crease] = 0.38 * closure * opening
    return shift


def eye_of(landmarks: Points, side: int, eyes: float, shape: tuple[int, ...]) -> Eye | None:
    """The displacement fields of one eye, or None without lids or outside the picture."""
    if len(landmarks) < MESH:
        return None
    handles = np.concatenate([UPPER_LIDS[side], CREASES[side], FIXED[side]])
    open_eye = landmarks[handles, :2].astype(np.float64)
    margin = 0.18 * eyes
    low = np.maximum(np.floor(open_eye.min(axis=0) - margin).astype(int), 0)
    high = np.minimum(np.ceil(open_eye.max(axis=0) + margin).astype(int) + 1, shape[::-1])
    if (high - low < 8).any():
        return None
    (x0, y0), (x1, y1) = low, high
    t = np.linspace(0, 1, GRID)
    edge = t[::3]
    ring = np.concatenate(
        [np.column_stack([edge, 0 * edge + k]) for k in (0, 1)]
        + [np.column_stack([0 * edge + k, edge]) for k in (0, 1)]
    )
    border = np.unique(ring, axis=0) * (high - 1 - low) + low
    nodes = np.stack(np.meshgrid(t, t), -1).reshape(-1, 2) * (high - 1 - low) + low
    # Splines leave a trace between their fixed points: the outermost nodes are held at zero.
    ramp = smooth(np.minimum(t, 1 - t) / 0.12)
    hold = (ramp[:, None] * ramp[None])[..., None]
    fields = [np.zeros((GRID, GRID, 2), np.float32)]
    for level in LEVELS:
        target = open_eye + lid_shift(landmarks, level)[handles]
        field = spline(
            np.concatenate([open_eye, border]), np.concatenate([target, border]), nodes, eyes
        )
        fields.append((field.reshape(GRID, GRID, 2) * hold).astype(np.float32))
    outer, inner = CORNERS[side]
    upper = np.concatenate([[outer], UPPER_LIDS[side], [inner]])
    lower = np.concatenate([[outer], LOWER_LIDS[side], [inner]])
    edge = landmarks[upper, :2].astype(np.float64)
    travel = landmarks[lower, :2].astype(np.float64) - edge
    return Eye(int(x0), int(y0), int(x1), int(y1), np.stack(fields), edge - low, travel)


def close(image: Image, source: Image, eye: Eye, closure: float) -> None:
    """Close one eye in `image`, in place, with pixels of `source`."""
    position = closure * len(LEVELS)
    below = min(int(position), len(LEVELS) - 1)
    share = np.float32(position - below)
    field = eye.fields[below] * (1 - share) + eye.fields[below + 1] * share
    width, height = eye.x1 - eye.x0, eye.y1 - eye.y0
    # Node k lies at pixel k * (size - 1) / (GRID - 1).
    scale = np.array(
        [[(width - 1) / (GRID - 1), 0, 0], [0, (height - 1) / (GRID - 1), 0]], np.float64
    )
    full = cv2.warpAffine(
        field, scale, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    map_x = full[..., 0] + np.arange(width, dtype=np.float32)
    map_y = full[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    part = np.ascontiguousarray(source[eye.y0 : eye.y1, eye.x0 : eye.x1])
    lid = cv2.remap(part, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    mask = _lid_mask(eye, closure, width, height)[..., None]
    image[eye.y0 : eye.y1, eye.x0 : eye.x1] = np.clip(
        part + mask * (lid.astype(np.float32) - part) + np.float32(0.5), 0, 255
    )


def _lid_mask(eye: Eye, closure: float, width: int, height: int) -> NDArray[np.float32]:
    """`(height, width)` 1 where the upper lid and its lashes are; the eye below it stays as it is."""
    edge = eye.edge + (SHUT * closure + LASHES) * eye.travel
    first, last = edge[0], edge[-1]
    if first[0] > last[0]:
        edge, first, last = edge[::-1], last, first
    far = 2.0 * width
    above = np.array([[far, last[1]], [far, -far], [-far, -far], [-far, first[1]]])
    mask = np.zeros((height, width), np.uint8)
    corners = np.round(np.concatenate([edge, above]) * 16).astype(np.int32)
    cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.7), np.float32) / np.float32(255)
