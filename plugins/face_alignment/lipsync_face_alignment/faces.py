"""From a box to FAN's crop, and from its heatmaps to 68 points in the frame. Numpy and OpenCV only.

The geometry is the package's, to the pixel: centre, scale and the crop's corners cut down to whole pixels.
Its points are whole pixels too; here they keep their fractions (the package's are these, cut down).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.records import Image, Points

CROP = 256
"""Side of what FAN sees."""
HEATMAP = 64
"""Side of its heatmaps."""
_REFERENCE = 195.0
"""A box whose sides add up to this has scale 1."""
_SCALE_1 = 200.0
"""Pixels of the frame that a crop of scale 1 shows."""
_UP = 0.12
"""The crop's centre lies this share of the box's height above the box's: S3FD's boxes reach low."""
MIRRORED = np.array(
    [
        *range(16, -1, -1),
        *range(26, 16, -1),
        *range(27, 31),
        *range(35, 30, -1),
        *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
        *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
        *(64, 63, 62, 61, 60, 67, 66, 65),
    ]
)
"""Which of the 68 points lies where each one is in the mirror image."""


@dataclass(frozen=True, slots=True)
class Window:
    """The square of the frame that FAN sees: its middle and its side, in pixels."""

    x: float
    y: float
    side: float

    @classmethod
    def around(cls, box: NDArray[np.float32]) -> Window:
        """The window for a box x0, y0, x1, y1."""
        x0, y0, x1, y1 = (float(v) for v in box[:4])
        wide, high = x1 - x0, y1 - y0
        side = _SCALE_1 * (wide + high) / _REFERENCE
        return cls(x1 - wide / 2.0, y1 - high / 2.0 - high * _UP, side)

    def cut(self, frame: Image) -> Image:
        """`(256, 256, 3)` of the frame; what lies outside is black."""
        left, top = (int(v + self.side * (1.0 / CROP - 0.5)) for v in (self.x, self.y))
        right, bottom = (int(v + self.side / 2.0) for v in (self.x, self.y))
        right, bottom = max(right, left + 1), max(bottom, top + 1)
        h, w = frame.shape[:2]
        part = np.zeros((bottom - top, right - left, 3), np.uint8)
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(right, w), min(bottom, h)
        if x1 > x0 and y1 > y0:
            part[y0 - top : y1 - top, x0 - left : x1 - left] = frame[y0:y1, x0:x1]
        return np.asarray(cv2.resize(part, (CROP, CROP), interpolation=cv2.INTER_LINEAR), np.uint8)

    def points(self, heatmaps: NDArray[np.float32]) -> Points:
        """`(68, 2)` frame pixels (centres at whole numbers) from heatmaps `(68, 64, 64)`."""
        corners = peaks(heatmaps) / HEATMAP - 0.5
        middle = np.array([self.x, self.y])
        return np.asarray(corners * self.side + middle - 0.5, np.float32)


def peaks(heatmaps: NDArray[np.float32]) -> NDArray[np.float64]:
    """`(K, 2)` x, y of the highest cell's middle, a quarter cell towards its higher neighbours.

    Cells at the rim are not moved, as the package does it.
    """
    count, high, wide = heatmaps.shape
    flat = heatmaps.reshape(count, -1).argmax(1)
    y, x = np.divmod(flat, wide)
    k = np.arange(count)
    inside = (x > 0) & (x < wide - 1) & (y > 0) & (y < high - 1)
    cx, cy = np.clip(x, 1, wide - 2), np.clip(y, 1, high - 2)
    dx = np.sign(heatmaps[k, cy, cx + 1] - heatmaps[k, cy, cx - 1])
    dy = np.sign(heatmaps[k, cy + 1, cx] - heatmaps[k, cy - 1, cx])
    moved = 0.25 * np.stack([dx, dy], 1) * inside[:, None]
    return np.asarray(np.stack([x, y], 1) + 0.5 + moved, np.float64)


def unmirrored(heatmaps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Heatmaps `(N, 68, 64, 64)` of mirrored crops as those of the crops themselves."""
    return np.ascontiguousarray(heatmaps[:, MIRRORED, :, ::-1])
