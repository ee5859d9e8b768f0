"""Cuts: where one shot ends and the next begins, found while frames stream by.

The decision for a frame needs the two frames after it, so callers get it two pushes later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import cv2
import numpy as np
from scenedetect import FrameTimecode
from scenedetect.detectors import AdaptiveDetector

from lipsync_core.records import Image

DELAY = 2
"""Frames after a frame that the detector looks at before it calls a cut."""
_WIDTH = 160
"""Pictures are shrunk to this width first: cuts show at any size, and the cost does not grow."""
_MIN_FRAMES = 5
"""Two cuts closer than this are one (flashes, cross-fades in few frames)."""


def with_cuts(images: Iterable[Image], frame_rate: Fraction) -> Iterator[tuple[Image, list[int]]]:
    """Each image with the frames, up to `DELAY` earlier, that are now known to begin a new shot.

    Run it where the images are made: reading a picture that has left the cache costs more than all the rest.
    """
    detector = ShotDetector(frame_rate)
    for image in images:
        yield image, detector.push(image)


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
        bgr = cv2.cvtColor(_shrunk(image), cv2.COLOR_RGB2BGR)
        cuts = self._detector.process_frame(FrameTimecode(self._pushed, fps=self._rate), bgr)
        self._pushed += 1
        return [cut.frame_num for cut in cuts]


def _shrunk(image: Image) -> Image:
    """The picture at `_WIDTH`, each pixel the mean of many that it covers.

    Halving is ten times as fast as any other area resize (2.9 ms become 0.4 for 720p), so it goes first;
    where four pixels or more would become one each way, every second one says enough.
    """
    height, width = image.shape[:2]
    size = (
        min(width, _WIDTH),
        max(8, round(height * _WIDTH / width)) if width > _WIDTH else height,
    )
    small = image
    if width >= 4 * size[0] and height >= 4 * size[1]:
        half = (width // 2, height // 2)
        small = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_NEAREST), np.uint8)
    while small.shape[1] >= 2 * size[0] and small.shape[0] >= 2 * size[1]:
        half = (small.shape[1] // 2, small.shape[0] // 2)
        even = small[: 2 * half[1], : 2 * half[0]]
        small = np.asarray(cv2.resize(even, half, interpolation=cv2.INTER_AREA), np.uint8)
    if small.shape[1::-1] == size:
        return small
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_AREA), np.uint8)
