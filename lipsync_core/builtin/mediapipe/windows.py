"""The attention part of the landmark network: cut turned windows from a feature map, place points.

MediaPipe does this with the custom TFLite operators `Landmarks2TransformMatrix`,
`TransformTensorBilinear` and `TransformLandmarks`; here it is numpy. The index lists are the
operators' own `subset_idxs`, read from `face_landmark_with_attention.tflite`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CELLS = 16
"""Side of a window in feature pixels (`output_width` of the operator)."""
FEATURES_PER_PIXEL = 0.25
"""The feature map is 48x48 for a crop of 192x192."""
WIDENING = 1.5
"""`scale_x` and `scale_y` of the operator."""

# fmt: off
LIPS = np.array([
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409,
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415,
    76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306, 184, 74, 73, 72, 11, 302, 303, 304, 408,
    62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292, 183, 42, 41, 38, 12, 268, 271, 272, 407,
])
LEFT_EYE = np.array([
    33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173,
    130, 25, 110, 24, 23, 22, 26, 112, 243, 247, 30, 29, 27, 28, 56, 190,
    226, 31, 228, 229, 230, 231, 232, 233, 244, 113, 225, 224, 223, 222, 221, 189,
    35, 124, 46, 53, 52, 65, 143, 111, 117, 118, 119, 120, 121, 128, 245, 156, 70, 63,
    105, 66, 107, 55, 193,
])
RIGHT_EYE = np.array([
    263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398,
    359, 255, 339, 254, 253, 252, 256, 341, 463, 467, 260, 259, 257, 258, 286, 414,
    446, 261, 448, 449, 450, 451, 452, 453, 464, 342, 445, 444, 443, 442, 441, 413,
    265, 353, 276, 283, 282, 295, 372, 340, 346, 347, 348, 349, 350, 357, 465, 383, 300, 293,
    334, 296, 336, 285, 417,
])
# fmt: on
EYE_CONTOUR = 16
"""The first points of an eye list run along the lids; irises get their mean depth, as upstream."""
LIPS_AXIS = (61, 291)
LEFT_AXIS = (33, 133)
RIGHT_AXIS = (362, 263)
"""Points whose line is level in the window (`left_rotation_idx`, `right_rotation_idx`)."""


_GRID = np.stack(np.meshgrid(np.arange(CELLS), np.arange(CELLS)), -1).reshape(-1, 2).astype(float)
_RIGHT, _DOWN = np.array([[0], [1], [0], [1]]), np.array([[0], [0], [1], [1]])
"""Steps to the four neighbours between which a cell lies."""


class Window:
    """A turned rectangle around a group of landmarks, as a map window cells <-> crop pixels."""

    def __init__(
        self, points: NDArray[np.float64], group: NDArray[np.int_], axis: tuple[int, int]
    ) -> None:
        """Span the window.

        Args:
            points: `(468, 2)` in crop pixels.
            group: landmarks that the window surrounds.
            axis: left and right landmark of the level line.
        """
        feature = points * FEATURES_PER_PIXEL
        line = feature[axis[1]] - feature[axis[0]]
        angle = np.arctan2(line[1], line[0])
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        level = feature[group] @ turn
        low, high = level.min(axis=0), level.max(axis=0)
        # The operator spreads CELLS samples over the box from edge to edge; its centre is 7.5.
        self._matrix = turn * ((high - low) * WIDENING / (CELLS - 1))
        self._origin = turn @ ((low + high) / 2) - self._matrix @ np.full(2, (CELLS - 1) / 2)

    def cut(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """`(1, C, 16, 16)` from a feature map `(1, C, H, W)`, bilinear, zero outside."""
        where = _GRID @ self._matrix.T + self._origin - 0.5
        _, channels, height, width = features.shape
        low = np.floor(where).astype(np.int64)
        u, v = (where - low).astype(np.float32).T
        # Four neighbours of every cell in one go; those outside the map weigh nothing.
        x, y = low[:, 0] + _RIGHT, low[:, 1] + _DOWN
        weight = np.stack([(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v])
        weight *= (x >= 0) & (x < width) & (y >= 0) & (y < height)
        place = np.clip(y, 0, height - 1) * width + np.clip(x, 0, width - 1)
        taken = features.reshape(channels, -1).take(place.reshape(-1), axis=1)
        cut = (taken.reshape(channels, 4, -1) * weight).sum(axis=1)
        return np.asarray(cut, np.float32).reshape(1, channels, CELLS, CELLS)

    def place(self, raw: NDArray[np.float32]) -> NDArray[np.float64]:
        """`(N, 2)` crop pixels from the network's points (quarter cells, any shape)."""
        cells = raw.reshape(-1, 2).astype(np.float64) * FEATURES_PER_PIXEL - 0.5
        return np.asarray((cells @ self._matrix.T + self._origin) / FEATURES_PER_PIXEL)
