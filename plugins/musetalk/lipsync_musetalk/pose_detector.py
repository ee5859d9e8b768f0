"""The detector `dwpose`: faces by the built-in detector, landmarks by RTMPose as MuseTalk's script has them.

The network sees one person in a frame and tells points whether there is one or not. So the built-in detector
says where faces are, as S3FD does in the script. The points belong to the face that they lie on; any other
face keeps the built-in detector's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.builtin.mediapipe.detector import MediaPipeDetector
from lipsync_core.contracts import Detector
from lipsync_core.errors import PluginUnavailable
from lipsync_core.faces.schemes import convert
from lipsync_core.networks.precision import precision_for, unfit_precision
from lipsync_core.networks.quiet import wait_quietly
from lipsync_musetalk import pose
from lipsync_musetalk.pose_spec import DWPOSE, FILE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext
    from lipsync_core.records import Face, Image, Points
    from lipsync_musetalk.pose_network import PoseRuntime

_SAME_FACE = 0.4
"""Overlap of both detectors' landmarks from which on they show the same face; they differ at the jaw."""


class PoseDetector(Detector):
    """See the module."""

    def __init__(self) -> None:
        self._faces = MediaPipeDetector()
        self._network: PoseRuntime | None = None
        self._flip = True

    def open(self, context: OpenContext) -> None:
        """Load the network.

        Raises:
            PluginUnavailable: the file or the device is missing, or the file is damaged.
            OutOfMemory: it does not fit.
        """
        wrong = unfit_precision(context)
        if wrong is not None:
            raise PluginUnavailable(f"The detector dwpose cannot run: {wrong.reason}.", wrong.hint)
        if FILE not in context.weights:
            raise PluginUnavailable(
                "The detector dwpose lacks its weights.", "lipsync weights pull dwpose"
            )
        wait_quietly()
        from lipsync_musetalk.pose_network import PoseRuntime

        precision = precision_for(context, exact=True)
        self._network = PoseRuntime(
            context.weights[FILE], context.device, precision, context.threads
        )
        self._flip = bool(context.options.get("flip", True))
        self._faces.open(replace(context, options={}))

    def close(self) -> None:
        """Release the network and the built-in detector."""
        if self._network is not None:
            self._network.close()
        self._network = None
        self._faces.close()

    def reset(self) -> None:
        """Forget earlier frames."""
        self._faces.reset()

    def detect(self, images: NDArray[np.uint8]) -> list[list[Face]]:
        """Faces, largest first; see the contract.

        Raises:
            OutOfMemory: not even one frame fits.
        """
        network = self.opened(self._network, DWPOSE.name)
        found = [[_sparse(face) for face in faces] for faces in self._faces.detect(images)]
        shown = [n for n, faces in enumerate(found) if faces]
        if shown:
            points = self._points(network, [images[n] for n in shown])
            for n, own in zip(shown, points, strict=True):
                found[n] = believed(found[n], own)
        return found

    def _points(self, network: PoseRuntime, frames: list[Image]) -> list[Points]:
        """`(68, 2)` of each frame, in its pixels."""
        pictures = np.stack([pose.picture_of(frame) for frame in frames])
        columns, rows = (lines[:, pose.FACE] for lines in network(pictures))
        if self._flip:
            mirrored = network(np.ascontiguousarray(pictures[..., ::-1]))
            other = (mirrored[0][:, pose.FACE], mirrored[1][:, pose.FACE])
            columns, rows = pose.both_ways((columns, rows), other)
        height, width = frames[0].shape[:2]
        return [
            pose.on_frame(pose.decoded(x, y)[0], width, height)
            for x, y in zip(columns, rows, strict=True)
        ]


def believed(faces: list[Face], points: Points) -> list[Face]:
    """The faces, of which the one that `points` lie on has them for landmarks.

    Args:
        faces: at least one, with 68 landmarks.
        points: `(68, 2)`.
    """
    overlaps = [_overlap(face.landmarks, points) for face in faces]
    best = int(np.argmax(overlaps))
    if overlaps[best] < _SAME_FACE:
        return faces
    return [replace(f, landmarks=points) if n == best else f for n, f in enumerate(faces)]


def _sparse(face: Face) -> Face:
    points = convert(face.landmarks[None], face.scheme, "68")[0]
    return replace(face, landmarks=points, scheme="68")


def _overlap(one: Points, other: Points) -> float:
    """Intersection over union of what both sets of points span."""
    low, high = np.maximum(one.min(0), other.min(0)), np.minimum(one.max(0), other.max(0))
    both = float(np.maximum(high - low, 0.0).prod())
    whole = sum(float((p.max(0) - p.min(0)).prod()) for p in (one, other)) - both
    return both / whole if whole > 0 else 0.0
