"""The detector plugin: follows faces from frame to frame and looks for new ones now and then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.builtin.mediapipe.blazeface import BlazeFace, Detection, iou
from lipsync_core.builtin.mediapipe.mesh import MESH_POINTS, FaceMesh, Roi
from lipsync_core.builtin.mediapipe.session import Network
from lipsync_core.builtin.mediapipe.turned import MARGIN, SURE, certainty, look_turned
from lipsync_core.contracts import Detector
from lipsync_core.records import Face

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext
    from lipsync_core.records import Image

__all__ = ["MediaPipeDetector"]


SEARCH_EVERY = 15
"""Frames between two looks for newcomers while all known faces are being followed: a look costs as much
as following a face for three frames."""
SAME_FACE_IOU = 0.35
SETTLING_PASSES = 3
"""Mesh passes for a newly found face: the square must be the one that tracking would use.
Measured on the bundled portrait (faces 92 and 120 px wide): the third pass no longer moves a point;
after one pass the next frame still moves them by 0.5 to 0.7 px in the mean."""
SMALLEST = 16.0
"""Faces narrower than this many pixels are not reported: the mesh guesses there."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A face of the last frame and the square it was seen in."""

    face: Face
    roi: Roi

    def next_roi(self) -> Roi:
        """Where to look in the next frame."""
        roi = Roi.from_landmarks(self.face.landmarks)
        return self.roi if self.roi.near(roi) else roi


class MediaPipeDetector(Detector):
    """MediaPipe's face mesh with attention on BlazeFace."""

    def __init__(self) -> None:
        self._finder: BlazeFace | None = None
        self._mesh: FaceMesh | None = None
        self._max_faces = 8
        self._threshold = 0.5
        self.reset()

    def open(self, context: OpenContext) -> None:
        """Load the four bundled networks."""
        self._max_faces = int(context.options.get("max_faces", 8))
        self._threshold = float(context.options.get("threshold", 0.5))
        # One thread: the networks are small, and more threads only slow the encoder down.
        self._finder = BlazeFace(Network("detect.onnx"))
        self._mesh = FaceMesh(eyes=bool(context.options.get("eyes", True)))
        self.reset()

    def close(self) -> None:
        """Release the networks."""
        self._finder = None
        self._mesh = None
        self.reset()

    def reset(self) -> None:
        """Forget all faces: a new shot begins."""
        self._known: list[Followed] = []
        self._since_search = SEARCH_EVERY
        self._since_close_look = SEARCH_EVERY

    def detect(self, images: NDArray[np.uint8]) -> list[list[Face]]:
        """Faces of consecutive frames, largest first; see the contract."""
        return [self._frame(image) for image in images]

    def _frame(self, image: Image) -> list[Face]:
        mesh, finder = self.opened(self._mesh, "mediapipe"), self.opened(self._finder, "mediapipe")
        followed: list[Followed] = []
        for known in self._known:
            seen = self._look(mesh, image, known.next_roi())
            if seen is not None and not _overlaps(seen, followed):
                followed.append(seen)
        lost = len(followed) < len(self._known)
        self._since_search += 1
        self._since_close_look += 1
        if lost or not followed or self._since_search >= SEARCH_EVERY:
            self._since_search = 0
            followed += self._newcomers(finder, mesh, image, followed)
        followed.sort(key=lambda f: f.face.box[0] - f.face.box[2])
        self._known = followed[: self._max_faces]
        return [f.face for f in self._known]

    def _newcomers(
        self, finder: BlazeFace, mesh: FaceMesh, image: Image, followed: list[Followed]
    ) -> list[Followed]:
        found = finder.find(image)
        if not found and not followed and self._since_close_look >= SEARCH_EVERY:
            self._since_close_look = 0
            found = finder.find_small(image) or look_turned(finder, image)
        new: list[Followed] = []
        for detection in found:
            half = detection.size / 2
            box = np.concatenate([detection.centre - half, detection.centre + half])
            if _known_box(box, [*followed, *new]):
                continue
            seen = self._settled(finder, mesh, image, detection)
            if seen is not None and not _overlaps(seen, [*followed, *new]):
                new.append(seen)
        return new

    def _settled(
        self, finder: BlazeFace, mesh: FaceMesh, image: Image, found: Detection
    ) -> Followed | None:
        """The face of a find, turned as it is found most certainly."""
        best = self._settle(mesh, image, found)
        sure = certainty(found, best.face.landmarks) if best is not None else 0.0
        if sure >= SURE:
            return best
        for other in look_turned(finder, image, found):
            seen = self._settle(mesh, image, other)
            if seen is not None:
                surer = certainty(other, seen.face.landmarks)
                if surer > sure * MARGIN:
                    best, sure = seen, surer
        return best

    def _settle(self, mesh: FaceMesh, image: Image, found: Detection) -> Followed | None:
        seen: Followed | None = None
        roi = Roi.from_detection(found)
        for _ in range(SETTLING_PASSES):
            seen = self._look(mesh, image, roi)
            if seen is None:
                break
            roi = seen.next_roi()
        return seen

    def _look(self, mesh: FaceMesh, image: Image, roi: Roi) -> Followed | None:
        height, width = image.shape[:2]
        if not (0 <= roi.centre[0] < width and 0 <= roi.centre[1] < height):
            return None
        points, presence = mesh.run(image, roi)
        low = points[:MESH_POINTS, :2].min(axis=0)
        high = points[:MESH_POINTS, :2].max(axis=0)
        if presence < self._threshold or not np.isfinite(points).all():
            return None
        if high[0] - low[0] < SMALLEST:
            return None
        face = Face(
            box=(float(low[0]), float(low[1]), float(high[0]), float(high[1])),
            score=presence,
            landmarks=points,
            scheme="478",
        )
        return Followed(face, roi)


def _boxes(followed: list[Followed]) -> NDArray[np.float64]:
    return np.array([f.face.box for f in followed], np.float64).reshape(-1, 4)


def _overlaps(seen: Followed, others: list[Followed]) -> bool:
    if not others:
        return False
    return bool((iou(np.array(seen.face.box), _boxes(others)) > SAME_FACE_IOU).any())


def _known_box(box: NDArray[np.float64], followed: list[Followed]) -> bool:
    """BlazeFace's box leaves out the forehead, so its centre decides as well as its overlap."""
    if not followed:
        return False
    boxes = _boxes(followed)
    centre = (box[:2] + box[2:]) / 2
    inside = ((boxes[:, :2] <= centre) & (centre <= boxes[:, 2:])).all(axis=1)
    return bool((inside | (iou(box, boxes) > SAME_FACE_IOU)).any())
