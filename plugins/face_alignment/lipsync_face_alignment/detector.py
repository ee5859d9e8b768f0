"""The detector: boxes by S3FD on frames of a bearable size, 68 points by FAN on the full frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from lipsync_core.contracts import Detector
from lipsync_core.errors import PluginUnavailable
from lipsync_core.networks.quiet import wait_quietly
from lipsync_core.records import Face
from lipsync_face_alignment.availability import fan_file, s3fd_file
from lipsync_face_alignment.boxes import decode
from lipsync_face_alignment.faces import Window, unmirrored
from lipsync_face_alignment.spec import FACE_ALIGNMENT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext
    from lipsync_face_alignment.boxes import Found
    from lipsync_face_alignment.networks import BoxNetwork, LandmarkNetwork

SMALLEST = 16.0
"""Faces narrower than this many pixels of the frame are left out: FAN would guess."""


class FaceAlignmentDetector(Detector):
    """Each frame by itself: it remembers nothing."""

    def __init__(self) -> None:
        self._boxes: BoxNetwork | None = None
        self._landmarks: LandmarkNetwork | None = None
        self._threshold, self._most, self._limit, self._flip = 0.5, 8, 960, True

    def open(self, context: OpenContext) -> None:
        """Load both networks from their files.

        Raises:
            PluginUnavailable: a file is missing, damaged or another network's.
        """
        boxes, landmarks = s3fd_file(context), fan_file(context)
        if boxes is None or landmarks is None:
            raise PluginUnavailable(
                "The detector face-alignment lacks its weights.",
                "See: lipsync plugins info face-alignment",
            )
        wait_quietly()
        from lipsync_core.networks.device import NetworkDevice
        from lipsync_face_alignment.networks import BoxNetwork, LandmarkNetwork

        who, threads = "The detector face-alignment", context.threads
        precision = "fp32" if context.precision == "auto" else context.precision
        without_half = "fp32" if precision == "fp16" else precision
        self._boxes = BoxNetwork(boxes, NetworkDevice(context.device, who, threads, without_half))
        self._landmarks = LandmarkNetwork(
            landmarks, NetworkDevice(context.device, who, threads, precision)
        )
        self._threshold = float(context.options.get("threshold", 0.5))
        self._most = int(context.options.get("max_faces", 8))
        self._limit = int(context.options.get("limit", 960))
        self._flip = bool(context.options.get("flip", True))

    def close(self) -> None:
        """Release the networks."""
        self._boxes = self._landmarks = None

    def detect(self, images: NDArray[np.uint8]) -> list[list[Face]]:
        """Faces, largest first; see the contract.

        Raises:
            OutOfMemory: a frame does not fit, not even alone.
        """
        network = self.opened(self._boxes, FACE_ALIGNMENT.name)
        landmarks = self.opened(self._landmarks, FACE_ALIGNMENT.name)
        small, shrunk = self._searched(images)
        found = [self._best(f, shrunk) for f in decode(network(small), self._threshold)]
        windows = [[Window.around(box) for box in boxes] for boxes in found]
        crops = [w.cut(image) for image, ws in zip(images, windows, strict=True) for w in ws]
        if not crops:
            return [[] for _ in images]
        heatmaps = iter(self._heatmaps(landmarks, np.stack(crops)))
        return [
            [_face(box, window, next(heatmaps)) for box, window in zip(boxes, ws, strict=True)]
            for boxes, ws in zip(found, windows, strict=True)
        ]

    def _searched(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
        """The frames as they are searched, and their pixels per pixel of the frame."""
        h, w = images.shape[1:3]
        shrunk = min(1.0, self._limit / max(h, w))
        if shrunk == 1.0:
            return images, 1.0
        size = (max(1, round(w * shrunk)), max(1, round(h * shrunk)))
        return np.stack([cv2.resize(i, size, interpolation=cv2.INTER_AREA) for i in images]), shrunk

    def _best(self, found: Found, shrunk: float) -> Found:
        """The largest faces, in pixels of the frame."""
        scaled = found.copy()
        scaled[:, :4] /= shrunk
        wide = scaled[:, 2] - scaled[:, 0]
        order = np.argsort(-wide, kind="stable")
        return scaled[order[wide[order] >= SMALLEST]][: self._most]

    def _heatmaps(self, network: LandmarkNetwork, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        heatmaps = network(crops)
        if self._flip:
            heatmaps = heatmaps + unmirrored(network(crops[:, :, ::-1]))
        return heatmaps


def _face(box: Found, window: Window, heatmaps: NDArray[np.float32]) -> Face:
    x0, y0, x1, y1, score = (float(v) for v in box)
    return Face(
        box=(x0, y0, x1, y1),
        score=min(1.0, score),
        landmarks=window.points(heatmaps),
        scheme="68",
    )
