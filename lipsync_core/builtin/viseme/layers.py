"""Moves the face: an upper and a lower layer, each warped on its own, joined along the lips.

Two layers, because lips open: what is above the line between the lips never pulls on what is below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lipsync_core.builtin.viseme.topology import (
    JAW_LINE,
    LIPS,
    LOWER_INNER,
    LOWER_MIDDLE,
    LOWER_OUTER,
    SKIN,
    UPPER_INNER,
    UPPER_MIDDLE,
    UPPER_OUTER,
)
from lipsync_core.builtin.viseme.warp import Grid, Region, sample
from lipsync_core.faces.spline import spline

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.records import Image

    Plane = NDArray[np.float64]
    """`(K, 2)` pixels."""

SHARED = np.unique(np.concatenate([SKIN, UPPER_OUTER, LOWER_OUTER]))
UPPER = np.unique(np.concatenate([SHARED, UPPER_INNER, UPPER_MIDDLE]))
OUTLINE = np.concatenate([LOWER_OUTER[:1], UPPER_OUTER[1:-1], LOWER_OUTER[1:]])
"""Outer lips, from the left corner to the right one."""
LOWER = np.unique(np.concatenate([SHARED, LOWER_INNER, LOWER_MIDDLE]))

SIDES, BELOW, ABOVE = 0.22, 0.5, 0.1
"""Room around the face in which the displacement runs out, in eye distances. The crop that the spec
asks for holds it."""
PULL_FROM, PULL_FULL = 0.015, 0.06
"""Openings of the person's own mouth between which the inner edge is taken from inside the lip."""
PULL = np.array([0.5, 0.55, 0.35, 0.2, 0.2, 0.2, 0.2, 0.2, 0.35, 0.55, 0.5])
"""How far towards the middle of the lip, corner to corner: more at the corners, where the edge is
least certain. Otherwise teeth and shadow of the open mouth show on the closed lips."""
REACH = 0.2
"""Eye distances outside the lips where the layers have become one."""
FADE = 0.12
"""Eye distances from the region's edge over which displacement grows from zero."""
BITS = 4
"""Fractional bits of polygon corners for cv2."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What the warp gave: the region's new pixels, and the landmarks in them."""

    region: Region
    image: Image
    goal: Plane
    scale: float
    pulled: float

    @property
    def opening(self) -> float:
        """Pixels between the lips where they are farthest apart, across the mouth's line."""
        along = self.goal[UPPER_INNER[-1]] - self.goal[UPPER_INNER[0]]
        down = np.array([-along[1], along[0]]) / (np.sqrt(along @ along) + 1e-9)
        return float(np.maximum((self.lower - self.upper) @ down, 0).max())

    @property
    def upper(self) -> Plane:
        """`(11, 2)` inner edge of the upper lip in the region's pixels."""
        return np.asarray(self.goal[UPPER_INNER])

    @property
    def lower(self) -> Plane:
        """`(11, 2)` inner edge of the lower lip."""
        return np.asarray(self.goal[LOWER_INNER])


def _handles(
    fetched: Plane, goal: Plane, which: NDArray[np.int_], border: Plane
) -> tuple[Plane, Plane]:
    """Sources and targets of the spline: some landmarks, and the border that stays."""
    return np.concatenate([fetched[which], border]), np.concatenate([goal[which], border])


def region_of(points: Plane, scale: float, height: int, width: int) -> Region | None:
    """The rectangle that may change, or None when too little of it is in the picture."""
    outline = np.concatenate([points[JAW_LINE], points[LIPS]])
    low = outline.min(axis=0) - np.array([SIDES, 0]) * scale
    high = outline.max(axis=0) + np.array([SIDES, BELOW]) * scale
    low[1] = points[[168, 6]].mean(axis=0)[1] - ABOVE * scale
    x0, y0 = np.maximum(np.floor(low).astype(int), 0)
    x1, y1 = np.minimum(np.ceil(high).astype(int), [width, height])
    if x1 - x0 < 16 or y1 - y0 < 16:
        return None
    return Region(int(x0), int(y0), int(x1), int(y1))


def pull(opening: float) -> float:
    """How much of `PULL` is needed for an own mouth open by `opening` eye distances, 0..1."""
    return float(np.clip((opening - PULL_FROM) / (PULL_FULL - PULL_FROM), 0, 1))


def sources(points: Plane, pulled: float) -> Plane:
    """Where pixels are fetched: the landmarks, inner lips pulled into the lip of an open mouth."""
    share = (PULL * pulled)[:, None]
    fetched = points.copy()
    for inner, middle in ((UPPER_INNER, UPPER_MIDDLE), (LOWER_INNER, LOWER_MIDDLE)):
        fetched[inner] = points[inner] + share * (points[middle] - points[inner])
    return fetched


def move(
    image: Image,
    points: Plane,
    fetched: Plane,
    goal: Plane,
    scale: float,
    pulled: float,
    sharp: bool = True,
) -> Moved | None:
    """Warp one picture.

    Args:
        image: `(H, W, 3)`.
        points: `(468, 2)` landmarks as tracked.
        fetched: `(468, 2)` where pixels are fetched for each landmark.
        goal: `(468, 2)` where they go.
        scale: pixels per eye distance.
        pulled: how much the inner lips were pulled for `fetched`, 0..1.
        sharp: resample with a cubic kernel.
    """
    region = region_of(points, scale, *image.shape[:2])
    if region is None:
        return None
    mouth = np.concatenate([goal[LIPS], points[LIPS]])
    margin = 0.06 * scale
    low, high = mouth.min(axis=0) - margin, mouth.max(axis=0) + margin
    fine = Region(*(int(v) for v in (*np.floor(low), *np.ceil(high))))
    grid = Grid(region, fine, FADE * scale)
    border = region.border()
    field = spline(*_handles(fetched, goal, UPPER, border), grid.nodes, scale)
    # Away from the lips both layers must agree, or the join would show as a seam in the cheek.
    share = nearness(grid.nodes, goal, scale)
    near = share > 0
    below = field.copy()
    own = spline(*_handles(fetched, goal, LOWER, border), grid.nodes[near], scale)
    below[near] += share[near, None] * (own - below[near])
    source = np.ascontiguousarray(image[region.y0 : region.y1, region.x0 : region.x1])
    placed = goal - np.array([region.x0, region.y0])
    line = (placed[UPPER_INNER] + placed[LOWER_INNER]) / 2
    mask = _above(line, region, scale)
    return Moved(region, _join(source, grid, (field, below), mask, sharp), placed, scale, pulled)


def nearness(nodes: Plane, goal: Plane, scale: float) -> NDArray[np.float64]:
    """`(M,)` 1 at the mouth, falling to 0 at `REACH` outside the lips' rectangle."""
    lips = goal[OUTLINE]
    across = goal[OUTLINE[-1]] - goal[OUTLINE[0]]
    across = across / (np.linalg.norm(across) + 1e-9)
    turn = np.array([[across[0], -across[1]], [across[1], across[0]]])
    level, ring = nodes @ turn, lips @ turn
    low, high = ring.min(axis=0), ring.max(axis=0)
    outside = np.maximum(np.maximum(low - level, level - high), 0) / (REACH * scale)
    t = np.clip(1 - np.sqrt((outside * outside).sum(axis=1)), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def smooth_curve(points: Plane, steps: int = 6) -> Plane:
    """Catmull-Rom through an open line of points."""
    padded = np.concatenate([[2 * points[0] - points[1]], points, [2 * points[-1] - points[-2]]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None, None]
    a, b, c, d = (padded[k : len(padded) - 3 + k][None] for k in range(4))
    curve = 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )
    return np.concatenate([curve.transpose(1, 0, 2).reshape(-1, 2), points[-1:]])


def fill(polygon: Plane, height: int, width: int) -> NDArray[np.uint8]:
    """`(height, width)` 255 inside, with a soft one-pixel edge."""
    mask = np.zeros((height, width), np.uint8)
    corners = np.round(polygon * (1 << BITS)).astype(np.int32)
    cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA, BITS)
    return mask


def _above(line: Plane, region: Region, scale: float) -> NDArray[np.uint8]:
    """Mask of the upper layer: everything above the lips' line, lengthened past the corners."""
    across = line[-1] - line[0]
    across = across / (np.linalg.norm(across) + 1e-9)
    up = np.array([across[1], -across[0]])
    far = 2 * max(region.width, region.height)
    polygon = np.concatenate(
        [
            [line[0] - across * far],
            smooth_curve(line),
            [line[-1] + across * far],
            [line[-1] + (across + up) * far],
            [line[0] + (up - across) * far],
        ]
    )
    mask = fill(polygon, region.height, region.width)
    softness = 0.007 * scale
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), softness)) if softness > 0.5 else mask


def _join(
    source: Image,
    grid: Grid,
    fields: tuple[Plane, Plane],
    mask: NDArray[np.uint8],
    sharp: bool,
) -> Image:
    """Both layers through their masks; rows that show only one layer fetch only that one."""
    partly = np.flatnonzero((mask != 255).any(axis=1))
    some = np.flatnonzero((mask != 0).any(axis=1))
    first = int(partly[0]) if len(partly) else len(mask)
    last = int(some[-1]) + 1 if len(some) else 0
    upper = sample(source, grid.spread(fields[0], slice(0, last)), sharp=sharp)
    lower = sample(source, grid.spread(fields[1], slice(first, None)), sharp=sharp)
    joined = np.empty_like(source)
    joined[:first] = upper[:first]
    joined[last:] = lower[max(last - first, 0) :]
    if last > first:
        weight = cv2.merge([mask[first:last]] * 3)
        above = cv2.multiply(upper[first:], weight, scale=1 / 255)
        below = cv2.multiply(lower[: last - first], 255 - weight, scale=1 / 255)
        joined[first:last] = cv2.add(above, below)
    return joined
