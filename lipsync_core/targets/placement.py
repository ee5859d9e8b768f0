"""Where crops lie on the frames of a target, and cutting them from canvases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lipsync_core.faces.crops import Settings, place, transform
from lipsync_core.faces.schemes import convert
from lipsync_core.records import Crops, Points, Scheme
from lipsync_core.specs import CropSpec
from lipsync_core.targets.canvas import Canvas, window_around
from lipsync_core.targets.target import FaceHere, Target, TargetFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where the crops of N frames lie: everything about them but the pixels."""

    frames: NDArray[np.int64]
    track: int
    matrices: NDArray[np.float64]
    size: tuple[int, int]
    landmarks: Points
    scheme: Scheme

    def cut(self, canvases: list[Canvas]) -> Crops:
        """Cut the pixels, one crop from each canvas."""
        images = [
            canvas.cut(matrix, self.size)
            for canvas, matrix in zip(canvases, self.matrices, strict=True)
        ]
        moved = [transform(p, m) for p, m in zip(self.landmarks, self.matrices, strict=True)]
        return Crops(
            frames=self.frames,
            track=self.track,
            images=np.stack(images),
            matrices=self.matrices,
            landmarks=np.stack(moved),
            scheme=self.scheme,
        )

    def only(self, chosen: list[int]) -> Placed:
        """Those of some frames."""
        return Placed(
            frames=self.frames[chosen],
            track=self.track,
            matrices=self.matrices[chosen],
            size=self.size,
            landmarks=self.landmarks[chosen],
            scheme=self.scheme,
        )


def place_on(
    spec: CropSpec, target: Target, frames: list[TargetFrame], settings: Settings | None = None
) -> Placed:
    """Place crops as `spec` and the plugin's `settings` want them on frames that all show one track."""
    faces = [face_of(frame) for frame in frames]
    points = np.stack([face.landmarks for face in faces])
    boxes = np.stack([face.box for face in faces])
    extent = target.extent(faces[0].track)
    quarters = np.array([face.quarter for face in faces], np.int64)
    matrices, size = place(spec, boxes, points, target.scheme, extent, settings, quarters)
    return Placed(
        frames=np.array([frame.picture.info.index for frame in frames], np.int64),
        track=faces[0].track,
        matrices=matrices,
        size=size,
        landmarks=convert(points, target.scheme, spec.scheme),
        scheme=spec.scheme,
    )


def canvas_for(frame: TargetFrame, n: int, placed: list[Placed]) -> Canvas:
    """The window of frame number `n` that all that is placed on it needs."""
    video = frame.picture.video
    window = window_around([(p.matrices[n], p.size) for p in placed], (video.width, video.height))
    return Canvas(frame.picture, window, face_of(frame).quarter)


def face_of(frame: TargetFrame) -> FaceHere:
    """The face of a frame that is known to have one."""
    assert frame.face is not None, "only frames with a face reach a generator"
    return frame.face
