"""The analysing pass over a target: every frame is decoded once, shots and faces go to disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

import numpy as np

from lipsync_core.contracts import Detector
from lipsync_core.errors import PluginFault
from lipsync_core.faces.analysis import Analysis, AnalysisWriter
from lipsync_core.faces.schemes import POINTS
from lipsync_core.faces.shots import DELAY
from lipsync_core.faces.tracking import Tracker
from lipsync_core.records import Face, Image


def analyse(
    images: Iterable[tuple[Image, list[int]]],
    detector: Detector,
    writer: AnalysisWriter,
    *,
    batch: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> Analysis:
    """Detect faces in a stream of frames and store what was found, with the shots.

    Args:
        images: `(H, W, 3)` uint8 RGB, all frames in order, and cuts as `with_cuts` tells them; at most
            `DELAY + batch` are held.
        detector: an open detector.
        writer: where the analysis goes (replaced when complete).
        batch: frames handed to the detector in a call; a call never spans a cut.
        progress: called with the number of frames done.

    Raises:
        PluginFault: the detector gave something else than its contract says.
    """
    tracker = Tracker()
    waiting: deque[Image] = deque()
    cuts: set[int] = set()
    done = 0

    def detect(count: int) -> None:
        nonlocal done
        while count > 0:
            if done in cuts:
                writer.cut(done)
                tracker.cut()
                detector.reset()
            until = min((c for c in cuts if c > done), default=done + count)
            n = min(count, batch, until - done)
            group = [waiting.popleft() for _ in range(n)]
            # One picture is not copied, which is a tenth of what the built-in detector costs.
            images = np.stack(group) if n > 1 else group[0][None]
            for image, faces in zip(images, _checked(detector.detect(images), n), strict=True):
                writer.add(done, faces, tracker.push(done, faces), image)
                done += 1
            count -= n
        progress(done)

    detector.reset()
    for image, begun in images:
        cuts.update(begun)
        waiting.append(image)
        if len(waiting) >= batch + DELAY:
            detect(batch)
    detect(len(waiting))
    return writer.finish(done)


def _checked(found: list[list[Face]], count: int) -> list[list[Face]]:
    if len(found) != count:
        raise PluginFault(
            f"The detector was given {count} frames and answered for {len(found)}.",
            "Choose another with --detector, and tell the plugin's author.",
        )
    for face in (f for faces in found for f in faces):
        if len(face.landmarks) != POINTS[face.scheme] or not np.isfinite(face.landmarks).all():
            raise PluginFault(
                f"The detector gave landmarks of shape {face.landmarks.shape} as '{face.scheme}'.",
                "Choose another with --detector, and tell the plugin's author.",
            )
    return found
