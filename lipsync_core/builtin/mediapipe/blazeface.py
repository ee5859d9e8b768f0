"""Finds faces in a whole picture: BlazeFace's back-camera network on 256x256 windows.

Knows nothing of landmarks beyond four key points: two of them, the eyes, give a face its rotation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.builtin.mediapipe.session import Network
    from lipsync_core.records import Image

INPUT = 256
LAYERS = ((16, 2), (8, 6))
"""(cells a side, anchors a cell): strides 16 and 3 x 32, two anchors each, as in MediaPipe's
`SsdAnchorsCalculator` options for the back-camera model (fixed anchor size)."""
THRESHOLD = 0.5
NMS_IOU = 0.3
"""`min_suppression_threshold` of MediaPipe's face detection graph (weighted suppression)."""
TILE = 512
"""Window of the second look for small faces: 40 px wide faces are 20 px in the network there."""
TILE_OVERLAP = 96


@dataclass(frozen=True, slots=True)
class Detection:
    """One face found.

    Attributes:
        centre: of its square, in picture pixels.
        size: side of the square.
        keys: `(4, 2)` both eyes (left in the picture first), tip of the nose, mouth.
        score: 0..1.
    """

    centre: NDArray[np.float64]
    size: float
    keys: NDArray[np.float64]
    score: float

    def moved(self, matrix: NDArray[np.float64]) -> Detection:
        """Seen in another picture.

        Args:
            matrix: 2x3, this picture -> the other one, without a change of size.
        """
        turn, shift = matrix[:, :2], matrix[:, 2]
        return replace(self, centre=turn @ self.centre + shift, keys=self.keys @ turn.T + shift)


def anchors() -> NDArray[np.float32]:
    """`(896, 2)` centres of the anchors, 0..1."""
    centres = []
    for cells, repeat in LAYERS:
        axis = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
        centres.append(np.repeat(grid, repeat, axis=0))
    return np.concatenate(centres).astype(np.float32)


def iou(box: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of one box and `(N, 4)` boxes `(x0, y0, x1, y1)`."""
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[2:], boxes[:, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    union = np.prod(box[2:] - box[:2]) + areas - shared
    return np.asarray(shared / np.maximum(union, 1e-9), np.float64)


class BlazeFace:
    """The network and its anchors."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._anchors = anchors()

    def find(self, image: Image) -> list[Detection]:
        """Faces of a whole picture, best first."""
        return self._merge(self._window(image, 0, 0))

    def find_small(self, image: Image) -> list[Detection]:
        """A closer look in overlapping tiles, for faces that the whole picture shows too small."""
        height, width = image.shape[:2]
        tile = max(TILE, max(height, width) // 3)
        if max(height, width) <= tile:
            return []
        found: list[Detection] = []
        for y in _starts(height, tile):
            for x in _starts(width, tile):
                found += self._window(image[y : y + tile, x : x + tile], x, y)
        return self._merge(found)

    def _window(self, image: Image, left: int, top: int) -> list[Detection]:
        height, width = image.shape[:2]
        scale = INPUT / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        shrunk = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        pad_x, pad_y = (INPUT - size[0]) // 2, (INPUT - size[1]) // 2
        square = np.zeros((INPUT, INPUT, 3), np.uint8)
        square[pad_y : pad_y + size[1], pad_x : pad_x + size[0]] = shrunk
        tensor = square.transpose(2, 0, 1)[None].astype(np.float32)
        tensor = tensor / np.float32(127.5) - np.float32(1)
        boxes, logits = self._network.run({"image": tensor})
        scores = 1 / (1 + np.exp(-np.clip(logits[0, :, 0], -60, 60)))
        likely = np.flatnonzero(scores > THRESHOLD)
        # Each row: centre, size, then six key points (eyes, nose, mouth, ears), relative to the anchor.
        rows = boxes[0, likely].reshape(-1, 8, 2).astype(np.float64) / INPUT
        rows[:, [0, 2, 3, 4, 5]] += self._anchors[likely][:, None]
        pixels = (rows * INPUT - 0.5 - np.array([pad_x, pad_y])) / scale + np.array([left, top])
        extent = rows[:, 1].max(axis=1) * INPUT / scale
        return [
            Detection(p[0], float(s), p[2:6], float(score))
            for p, s, score in zip(pixels, extent, scores[likely], strict=True)
        ]

    @staticmethod
    def _merge(found: list[Detection]) -> list[Detection]:
        """Weighted non-maximum suppression: overlapping boxes are averaged by score."""
        if not found:
            return []
        centres = np.array([d.centre for d in found])
        sizes = np.array([d.size for d in found])
        keys = np.array([d.keys for d in found])
        scores = np.array([d.score for d in found])
        boxes = np.concatenate([centres - sizes[:, None] / 2, centres + sizes[:, None] / 2], axis=1)
        left = np.ones(len(found), bool)
        merged = []
        for i in np.argsort(-scores, kind="stable"):
            if not left[i]:
                continue
            same = (iou(boxes[i], boxes) > NMS_IOU) & left
            same[i] = True
            left &= ~same
            weights = scores[same] / scores[same].sum()
            merged.append(
                Detection(
                    weights @ centres[same],
                    float(weights @ sizes[same]),
                    np.tensordot(weights, keys[same], 1),
                    float(scores[i]),
                )
            )
        return merged


def _starts(length: int, tile: int) -> list[int]:
    if length <= tile:
        return [0]
    count = -(-(length - TILE_OVERLAP) // (tile - TILE_OVERLAP))
    return [round(k * (length - tile) / (count - 1)) for k in range(count)]
