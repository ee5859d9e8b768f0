"""Backward maps from displacements on a grid that is fine at the mouth.

Knows points and pictures, nothing of faces. The displacement is exactly zero on the border of the
region, so what is outside stays bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.records import Image

COARSE, FINE = 12, 24
"""Grid lines over the whole region and over the mouth, each way."""
RING = 8
"""Fixed points a side of the region."""


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of whole pixels: x0 <= x < x1, y0 <= y < y1."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        """Pixels across."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Pixels down."""
        return self.y1 - self.y0

    def border(self) -> NDArray[np.float64]:
        """`(4 * RING, 2)` points along its edge."""
        t = np.linspace(0, 1, RING, endpoint=False)
        corners = np.array(
            [[self.x0, self.y0], [self.x1 - 1, self.y0], [self.x1 - 1, self.y1 - 1],
             [self.x0, self.y1 - 1]],
            float,
        )  # fmt: skip
        following = np.roll(corners, -1, axis=0)
        return np.concatenate(
            [a + t[:, None] * (b - a) for a, b in zip(corners, following, strict=True)]
        )


class Grid:
    """Places where splines are evaluated, and the way from there to every pixel of the region."""

    def __init__(self, region: Region, fine: Region, fade: float) -> None:
        """Lay the lines.

        Args:
            region: all pixels that may move.
            fine: where lines are dense.
            fade: pixels from the region's edge over which displacement grows from zero.
        """
        self.region = region
        xs = _lines(region.x0, region.x1 - 1, fine.x0, fine.x1)
        ys = _lines(region.y0, region.y1 - 1, fine.y0, fine.y1)
        self.nodes = np.stack(np.meshgrid(xs, ys), -1).reshape(-1, 2)
        self._shape = (len(ys), len(xs))
        self._x = np.arange(region.x0, region.x1, dtype=np.float32)
        self._y = np.arange(region.y0, region.y1, dtype=np.float32)
        self._columns = _hats(xs, self._x) * _ramp(self._x, region.x0, region.x1 - 1, fade)[:, None]
        self._rows = _hats(ys, self._y) * _ramp(self._y, region.y0, region.y1 - 1, fade)[:, None]

    def spread(
        self, values: NDArray[np.float64], rows: slice
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Node displacements `(nodes, 2)` to the maps that `cv2.remap` wants, for some rows.

        The maps count from the region's corner.
        """
        planes = values.astype(np.float32).reshape(*self._shape, 2)
        at = self._rows[rows]
        map_x = at @ planes[..., 0] @ self._columns.T
        map_y = at @ planes[..., 1] @ self._columns.T
        map_x += self._x - np.float32(self.region.x0)
        map_y += (self._y[rows] - np.float32(self.region.y0))[:, None]
        return map_x, map_y


def sample(
    image: Image, maps: tuple[NDArray[np.float32], NDArray[np.float32]], *, sharp: bool = True
) -> NDArray[np.uint8]:
    """The region's pixels fetched through maps; `sharp` is cubic, three times the work of linear."""
    flag = cv2.INTER_CUBIC if sharp else cv2.INTER_LINEAR
    fetched = cv2.remap(image, *maps, interpolation=flag, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(fetched, np.uint8)


def _lines(low: float, high: float, fine_low: float, fine_high: float) -> NDArray[np.float64]:
    fine = np.linspace(max(fine_low, low), min(fine_high, high), FINE)
    coarse = np.linspace(low, high, COARSE)
    outside = (coarse < fine[0] - 1) | (coarse > fine[-1] + 1)
    return np.unique(np.concatenate([[low, high], coarse[outside], fine]))


def _hats(lines: NDArray[np.float64], pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """`(pixels, lines)` weights of linear interpolation."""
    right = np.clip(np.searchsorted(lines, pixels, side="right"), 1, len(lines) - 1)
    share = (pixels - lines[right - 1]) / (lines[right] - lines[right - 1])
    weights = np.zeros((len(pixels), len(lines)), np.float32)
    index = np.arange(len(pixels))
    weights[index, right - 1] = 1 - share
    weights[index, right] = share
    return weights


def _ramp(pixels: NDArray[np.float32], low: float, high: float, fade: float) -> NDArray[np.float32]:
    """0 on the edge, 1 from `fade` pixels inside."""
    t = np.clip(np.minimum(pixels - low, high - pixels) / max(fade, 1.0), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
