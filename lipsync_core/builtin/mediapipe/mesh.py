"""478 landmarks of one face: crop a turned square, run the mesh network, refine lips and eyes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lipsync_core.builtin.mediapipe.session import Network
from lipsync_core.builtin.mediapipe.windows import (
    EYE_CONTOUR,
    LEFT_AXIS,
    LEFT_EYE,
    LIPS,
    LIPS_AXIS,
    RIGHT_AXIS,
    RIGHT_EYE,
    Window,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.builtin.mediapipe.blazeface import Detection
    from lipsync_core.records import Image, Points

INPUT = 192
MESH_POINTS = 468
WIDENING = 1.5
"""The square is this much larger than the face's box (MediaPipe's ROI calculators)."""
STILL = 0.01
"""A square that moved, grew or turned (radians) by less is kept: a still face keeps its points to
the last digit, and the network's dependence on the square (0.4 px in the mean) adds no jitter."""
OUTER_EYE_CORNERS = (33, 263)


@dataclass(frozen=True, slots=True)
class Roi:
    """A turned square: centre and side in picture pixels, rotation in radians."""

    centre: NDArray[np.float64]
    side: float
    angle: float

    @classmethod
    def from_detection(cls, found: Detection) -> Roi:
        """The square for a face that BlazeFace found."""
        line = found.keys[1] - found.keys[0]
        return cls(found.centre, found.size * WIDENING, float(np.arctan2(line[1], line[0])))

    @classmethod
    def from_landmarks(cls, landmarks: Points) -> Roi:
        """The square for the next frame, from this frame's points."""
        points = landmarks[:MESH_POINTS, :2].astype(np.float64)
        line = points[OUTER_EYE_CORNERS[1]] - points[OUTER_EYE_CORNERS[0]]
        angle = float(np.arctan2(line[1], line[0]))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        level = points @ turn
        low, high = level.min(axis=0), level.max(axis=0)
        return cls(turn @ ((low + high) / 2), float((high - low).max()) * WIDENING, angle)

    def near(self, other: Roi) -> bool:
        """Whether a face in `other` would look the same to the network here."""
        moved = np.abs(self.centre - other.centre).max() / self.side
        return bool(
            moved < STILL
            and abs(self.side / other.side - 1) < STILL
            and abs(self.angle - other.angle) < STILL
        )

    def matrix(self) -> NDArray[np.float64]:
        """2x3, picture -> crop. Pixel centres are integers, so the crop's middle is 95.5."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        turn = np.array([[c, s], [-s, c]]) * (INPUT / self.side)
        return np.column_stack([turn, (INPUT - 1) / 2 - turn @ self.centre])


class FaceMesh:
    """The mesh network and its two heads."""

    def __init__(self, threads: int = 1, eyes: bool = True) -> None:
        self._mesh = Network("mesh.onnx", threads)
        self._lips = Network("lips.onnx", threads)
        self._eyes = Network("eyes.onnx", threads) if eyes else None

    def run(self, image: Image, roi: Roi) -> tuple[Points, float]:
        """Landmarks of the face in a square.

        Returns:
            `(478, 3)` float32 in picture pixels (z in the same pixels, smaller is nearer) and the
            presence of a face, 0..1. 468..472 and 473..477 are the irises, centre first.
        """
        matrix = roi.matrix()
        tensor = np.ascontiguousarray(_cut(image, matrix).transpose(2, 0, 1)[None], np.float32)
        tensor /= np.float32(255)
        raw, flag, features = self._mesh.run({"image": tensor})
        presence = float(1 / (1 + np.exp(-np.clip(flag.reshape(-1)[0], -60, 60))))
        mesh = raw.reshape(MESH_POINTS, 3).astype(np.float64)
        points = np.concatenate([mesh, np.zeros((10, 3))])
        self._refine(points, mesh[:, :2], features)
        # The network counts from the crop's edge, we from the first pixel's centre.
        crop = points[:, :2] - 0.5
        back = cv2.invertAffineTransform(matrix)
        flat = crop @ back[:, :2].T + back[:, 2]
        depth = points[:, 2] * roi.side / INPUT
        return np.column_stack([flat, depth]).astype(np.float32), presence

    def _refine(
        self,
        points: NDArray[np.float64],
        mesh: NDArray[np.float64],
        features: NDArray[np.float32],
    ) -> None:
        window = Window(mesh, LIPS, LIPS_AXIS)
        (raw,) = self._lips.run({"lips_window": window.cut(features)})
        points[LIPS, :2] = window.place(raw)
        if self._eyes is not None:
            left = Window(mesh, LEFT_EYE, LEFT_AXIS)
            right = Window(mesh, RIGHT_EYE, RIGHT_AXIS)
            left_eye, left_iris, right_eye, right_iris = self._eyes.run(
                {"left_window": left.cut(features), "right_window": right.cut(features)}
            )
            points[LEFT_EYE, :2] = left.place(left_eye)
            points[468:473, :2] = left.place(left_iris)
            points[RIGHT_EYE, :2] = right.place(right_eye)
            points[473:478, :2] = right.place(right_iris)
        else:
            points[468:473, :2] = mesh[LEFT_EYE[:EYE_CONTOUR]].mean(axis=0)
            points[473:478, :2] = mesh[RIGHT_EYE[:EYE_CONTOUR]].mean(axis=0)
        points[468:473, 2] = points[LEFT_EYE[:EYE_CONTOUR], 2].mean()
        points[473:478, 2] = points[RIGHT_EYE[:EYE_CONTOUR], 2].mean()


def _cut(image: Image, matrix: NDArray[np.float64]) -> Image:
    """The turned square as `(192, 192, 3)`, black outside the picture, without aliasing."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    factor = int(1 / scale)
    if factor >= 2:
        back = cv2.invertAffineTransform(matrix)
        corners = np.array([[0, 0], [INPUT, 0], [0, INPUT], [INPUT, INPUT]], np.float64)
        spread = corners @ back[:, :2].T + back[:, 2]
        x0, y0 = np.maximum(np.floor(spread.min(axis=0)).astype(int) - factor, 0)
        x1, y1 = np.ceil(spread.max(axis=0)).astype(int) + factor
        part = image[y0 : max(y1, y0 + factor), x0 : max(x1, x0 + factor)]
        height, width = (part.shape[0] // factor) * factor, (part.shape[1] // factor) * factor
        if height and width:
            shrunk = cv2.resize(
                part[:height, :width],
                (width // factor, height // factor),
                interpolation=cv2.INTER_AREA,
            )
            image = np.asarray(shrunk, np.uint8)
            # Pixel i of the shrunk picture has its centre at factor * i + (factor - 1) / 2.
            offset = np.array([x0, y0]) + (factor - 1) / 2
            matrix = np.column_stack(
                [matrix[:, :2] * factor, matrix[:, :2] @ offset + matrix[:, 2]]
            )
    crop = cv2.warpAffine(
        image, matrix, (INPUT, INPUT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    return np.asarray(crop, np.uint8)
