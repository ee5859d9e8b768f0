"""Cuts: where one shot ends and the next begins, found while frames stream by.

The decision for a frame needs the two frames after it, so callers get it two pushes later.
"""

from __future__ import annotations

from fractions import Fraction

import cv2
from scenedetect import FrameTimecode
from scenedetect.detectors import AdaptiveDetector

from lipsync_core.records import Image

DELAY = 2
"""Frames after a frame that the detector looks at before it calls a cut."""
_WIDTH = 240
"""Pictures are shrunk to this width first: cuts show at any size, and the cost does not grow."""
_MIN_FRAMES = 5
"""Two cuts closer than this are one (flashes, cross-fades in few frames)."""


class ShotDetector:
    """PySceneDetect's adaptive content detector, fed frame by frame.

    Args:
        frame_rate: frames a second, for the detector's bookkeeping.
    """

    def __init__(self, frame_rate: Fraction) -> None:
        self._rate = frame_rate
        self._detector = AdaptiveDetector(min_scene_len=_MIN_FRAMES, window_width=DELAY)
        self._pushed = 0

    def push(self, image: Image) -> list[int]:
        """Take the next frame, number n; give the frames, at most n - DELAY, that begin a new shot.

        Args:
            image: `(H, W, 3)` uint8 RGB.
        """
        height = max(8, round(image.shape[0] * _WIDTH / image.shape[1]))
        size = (_WIDTH, height) if image.shape[1] > _WIDTH else (image.shape[1], image.shape[0])
        bgr = cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)
        cuts = self._detector.process_frame(FrameTimecode(self._pushed, fps=self._rate), bgr)
        self._pushed += 1
        return [cut.frame_num for cut in cuts]
