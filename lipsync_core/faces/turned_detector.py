"""Shows a detector turned pictures where it finds no face, or none that can be one, in the picture as it is.

For detectors that only know upright faces. Those that find faces however they are turned say so
(`DetectorSpec.any_turn`) and do not come here.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lipsync_core.contracts import Detector, OpenContext
from lipsync_core.faces.crops import invert, transform
from lipsync_core.faces.plausibility import MISFIT_NONE, misfit
from lipsync_core.faces.turns import QUARTERS, to_upright, turned
from lipsync_core.records import Face

TRY_EVERY = 25
"""Frames without a face between two looks at turned pictures; a look costs three detections."""


class TurnedDetector(Detector):
    """Another detector, which sees the pictures of a shot turned as it finds a face in them.

    Args:
        inner: open.
    """

    def __init__(self, inner: Detector) -> None:
        self._inner = inner
        self._quarter = 0
        self._since_try = TRY_EVERY

    def open(self, context: OpenContext) -> None:
        """The inner detector is open."""

    def reset(self) -> None:
        """A new shot begins: pictures are upright until no face is found."""
        self._inner.reset()
        self._quarter = 0
        self._since_try = TRY_EVERY

    def detect(self, images: NDArray[np.uint8]) -> list[list[Face]]:
        """See `Detector.detect`."""
        found = self._seen(images, self._quarter)
        if any(_likely(faces) for faces in found):
            return found
        self._since_try += len(images)
        if self._since_try < TRY_EVERY:
            return found
        self._since_try = 0
        best = max(range(QUARTERS), key=lambda quarter: self._score(images[-1:], quarter))
        self._inner.reset()
        if best == self._quarter:
            return found
        self._quarter = best
        return self._seen(images, best)

    def _seen(self, images: NDArray[np.uint8], quarter: int) -> list[list[Face]]:
        """What is found in turned pictures, in pixels of the pictures as they are."""
        if quarter == 0:
            return self._inner.detect(images)
        shown = np.stack([turned(image, quarter) for image in images])
        back = invert(to_upright(quarter, images.shape[2], images.shape[1]))
        return [[_moved(face, back) for face in faces] for faces in self._inner.detect(shown)]

    def _score(self, images: NDArray[np.uint8], quarter: int) -> tuple[float, bool]:
        """How good a face is found in a turn; among equals, and without any, the present turn is kept."""
        self._inner.reset()
        faces = _likely(self._seen(images, quarter)[0])
        return max((face.score for face in faces), default=0.0), quarter == self._quarter


def _likely(faces: list[Face]) -> list[Face]:
    """Those that can be faces."""
    return [f for f in faces if misfit(f.landmarks[None], f.scheme)[0] < MISFIT_NONE]


def _moved(face: Face, matrix: NDArray[np.float64]) -> Face:
    corners = np.array(face.box).reshape(2, 2) @ matrix[:, :2].T + matrix[:, 2]
    (x0, y0), (x1, y1) = corners.min(0).tolist(), corners.max(0).tolist()
    return replace(face, box=(x0, y0, x1, y1), landmarks=transform(face.landmarks, matrix))
