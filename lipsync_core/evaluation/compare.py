"""Against a reference with the same frames: likeness inside and outside the mouth, landmarks, movement."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lipsync_core.evaluation.mouths import MouthComparison
from lipsync_core.evaluation.pictures import Likeness
from lipsync_core.faces.schemes import convert
from lipsync_core.records import Points
from lipsync_core.targets.target import FaceHere, Target, TargetFrame

MOUTH = slice(48, 68)
EYES = (slice(36, 42), slice(42, 48))
"""Of the 68 points."""
MOUTH_ROOM, FACE_ROOM = 0.25, 0.35
"""Widening of the mouth's and of the face's box, as shares of their size: a new mouth moves cheeks and chin,
which belong to neither "mouth" nor "outside"."""


class Comparison:
    """Sums over pairs of frames.

    Args:
        target: the judged video's frames.
        reference: the reference's frames, walked in step.
    """

    def __init__(self, target: Target, reference: Target) -> None:
        self._target, self._reference = target, reference
        self._frames: Iterator[TargetFrame] = reference.walk(
            0, min(target.frames, reference.frames)
        )
        self._likeness = Likeness()
        self._distances: list[float] = []
        self.mouths = MouthComparison(float(target.video.frame_rate))
        self.pairs = 0

    def take(self, frame: TargetFrame) -> None:
        """The next frame of the judged video."""
        other = next(self._frames, None)
        if other is None:
            return
        self.pairs += 1
        self.mouths.add(frame.face, other.face, (self._target.scheme, self._reference.scheme))
        a, b = frame.picture.rgb(), other.picture.rgb()
        points = [
            convert(face.landmarks[None], target.scheme, "68")[0]
            for face, target in ((frame.face, self._target), (other.face, self._reference))
            if face is not None and target.scheme != "5"
        ]
        mouth, face = (0, 0, 0, 0), np.zeros(4, np.int64)
        if points:
            both = np.concatenate(points)
            lips = np.concatenate([p[MOUTH] for p in points])
            mouth, face = _box(lips, MOUTH_ROOM), np.array(_box(both, FACE_ROOM))
        self._likeness.add(a, b, mouth, face)
        if len(points) == 2:
            self._distances.append(distance(*points))

    def figures(self) -> dict[str, float]:
        """Likeness, `landmark_distance` (percent of the eyes' distance, mean over the frames), movement."""
        told = self._likeness.figures()
        if self._distances:
            told["landmark_distance"] = 100 * float(np.mean(self._distances))
        return told | self.mouths.figures()


def distance(a: Points, b: Points) -> float:
    """Mean distance of mouth points, in eye distances of `b`, after both mouths' centres are aligned.

    Args:
        a: `(68, 2)`.
        b: `(68, 2)` of the reference.
    """
    x, y = np.asarray(a[MOUTH, :2], np.float64), np.asarray(b[MOUTH, :2], np.float64)
    apart = (x - x.mean(0)) - (y - y.mean(0))
    eyes = np.linalg.norm(b[EYES[1], :2].mean(0) - b[EYES[0], :2].mean(0))
    return float(np.linalg.norm(apart, axis=1).mean() / max(float(eyes), 1e-6))


def _box(points: NDArray[np.floating], room: float) -> tuple[int, int, int, int]:
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    more = room * (high - low)
    x0, y0 = np.floor(low - more).astype(int).tolist()
    x1, y1 = np.ceil(high + more).astype(int).tolist()
    return x0, y0, x1, y1


def same_face(before: FaceHere | None, now: FaceHere | None) -> bool:
    """Whether two frames in a row belong to one span."""
    return before is not None and now is not None and before.track == now.track
