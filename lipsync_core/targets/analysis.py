"""Finds the faces of a target, once and for all runs, and makes it a moving target with known faces."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lipsync_core._version import __version__
from lipsync_core.errors import UnsupportedInput
from lipsync_core.faces.analyse import analyse
from lipsync_core.faces.analysis import FORMAT, Analysis, AnalysisWriter
from lipsync_core.faces.selection import DOUBTS, REASONS, FaceChoice, FaceRule, choose
from lipsync_core.faces.shots import with_cuts
from lipsync_core.faces.turned_detector import TurnedDetector
from lipsync_core.machine import places
from lipsync_core.media.probe import TargetInfo
from lipsync_core.media.reader import VideoReader
from lipsync_core.media.schedule import Schedule
from lipsync_core.records import Image
from lipsync_core.registry.opening import open_detector
from lipsync_core.registry.resolving import Resolved
from lipsync_core.requests import TargetRequest
from lipsync_core.running.cancellation import NEVER, CancelToken
from lipsync_core.running.interruption import readable_io, terminated_is_cancelled, undivided
from lipsync_core.running.progress import Progress
from lipsync_core.running.queues import ahead
from lipsync_core.running.stopwatch import Stopwatch
from lipsync_core.specs import DetectorSpec
from lipsync_core.targets.digests import target_hash
from lipsync_core.targets.still_target import StillTarget
from lipsync_core.targets.target import Target
from lipsync_core.targets.video_target import VideoTarget

KEEP_DAYS = 60
"""Analyses not used for longer are removed when another is made."""
AHEAD = 4
"""Frames decoded ahead of the detector."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysedTarget:
    """A target with its faces and the schedule of its output frames.

    Attributes:
        info: of the target file.
        digest: of its content.
        detector: name of the detector.
        analysis: faces and shots.
        cached: the analysis was there already; nothing was detected.
        choice: which of the faces, per frame of the file.
        schedule: times of the output frames.
        target: output frames with their faces.
    """

    info: TargetInfo
    digest: str
    detector: str
    analysis: Analysis
    cached: bool
    choice: FaceChoice
    schedule: Schedule
    target: Target


def analyse_target(
    info: TargetInfo,
    schedule: Schedule,
    request: TargetRequest,
    detector: Resolved[DetectorSpec],
    progress: Progress,
    watch: Stopwatch,
    *,
    seed: int = 0,
    cancel: CancelToken = NEVER,
) -> AnalysedTarget:
    """Find the faces of a target and make it a moving one.

    Args:
        info: the probed target.
        schedule: times of the output frames.
        request: whose face, and whether a still picture moves.
        detector: finds the faces, where no earlier analysis is in the cache.
        progress: listener.
        watch: where time is booked.
        seed: for the times of a still picture's blinks.
        cancel: stops the work between two frames.

    Raises:
        UnsupportedInput: there is no face, or none that can be used.
        UsageError: the face rule does not fit.
        Cancelled: it was cancelled.
    """
    rule = FaceRule.parse(request.face)
    digest = target_hash(info)
    analysis, cached = find_faces(info, digest, detector, progress, watch, cancel)
    if not len(analysis.rows):
        what = "picture" if info.kind == "picture" else "video"
        raise UnsupportedInput(
            f"No face was found in the {what} {info.path}.",
            f"{_other_track(info)}Use one in which a face of at least 40 pixels can be seen, or another"
            " --detector.",
        )
    size = (info.video.width, info.video.height)
    choice = choose(analysis, rule, size, checks=request.face_checks)
    if not np.any(choice.strength > 0):
        raise _useless(info, choice)
    return AnalysedTarget(
        info=info,
        digest=digest,
        detector=detector.spec.name,
        analysis=analysis,
        cached=cached,
        choice=choice,
        schedule=schedule,
        target=_moving(info, schedule, analysis, choice, idle=request.idle, seed=seed),
    )


def _useless(info: TargetInfo, choice: FaceChoice) -> UnsupportedInput:
    """Why no frame can get a new mouth."""
    seen = [REASONS[n] for n in np.unique(choice.reasons[choice.rows >= 0]).tolist()]
    look = "Run `lipsync faces` to see what was found"
    if not seen:
        return UnsupportedInput(f"The face asked for is nowhere in {info.path}.", f"{look}.")
    doubts = DOUBTS.intersection(seen)
    return UnsupportedInput(
        f"No face in {info.path} can be used: {', '.join(seen)}.",
        f"{look}; --no-face-checks gives it a new mouth all the same." if doubts else f"{look}.",
    )


def _other_track(info: TargetInfo) -> str:
    if info.tracks == 1:
        return ""
    return f"Choose another video track than {info.track} with --video-track (0 to {info.tracks - 1}). "


def _moving(
    info: TargetInfo,
    schedule: Schedule,
    analysis: Analysis,
    choice: FaceChoice,
    *,
    idle: bool,
    seed: int,
) -> Target:
    if info.kind == "video":
        return VideoTarget(info, schedule, analysis, choice)
    with VideoReader(info) as reader:
        image = next(reader.frames()).rgb()
    frames = len(schedule)
    return StillTarget(image, info.video, analysis, choice, frames, idle=idle, seed=seed)


def find_faces(
    info: TargetInfo,
    digest: str,
    detector: Resolved[DetectorSpec],
    progress: Progress,
    watch: Stopwatch,
    cancel: CancelToken = NEVER,
) -> tuple[Analysis, bool]:
    """The analysis of a target: from the cache, or made now.

    Args:
        info: the probed target.
        digest: of its content.
        detector: finds the faces.
        progress: listener.
        watch: where time is booked.
        cancel: stops the work between two frames.

    Returns:
        The analysis, and whether it came from the cache.
    """
    spec, version = detector.spec, detector.version or __version__
    about = {
        "detector": spec.name,
        "version": version,
        "options": json.dumps(dict(detector.context.options), sort_keys=True),
        "target": digest,
    }
    name = f"{digest}-{spec.name}-{version}-{FORMAT}"
    folder = places.cache() / "faces" / name
    if Analysis.exists(folder):
        found = Analysis(folder)
        if found.about == about | {"format": str(FORMAT)}:
            folder.touch()
            return found, True
    _forget_old(folder.parent)
    progress.stage("finding faces", info.frames)
    with (
        readable_io(folder),
        terminated_is_cancelled(),
        ExitStack() as resources,
        watch.on("detect"),
    ):
        opened = open_detector(detector, resources)
        images = with_cuts(cancel.checked(_images(info)), info.video.frame_rate)
        with undivided():
            writer = resources.enter_context(AnalysisWriter(folder, about))
        made = analyse(
            resources.enter_context(closing(ahead(images, AHEAD))),
            opened if spec.any_turn else TurnedDetector(opened),
            writer,
            batch=spec.batch,
            progress=progress.advance,
        )
    return made, False


def _images(info: TargetInfo) -> Iterator[Image]:
    with VideoReader(info) as reader:
        for picture in reader.frames():
            yield picture.quick_rgb()


def _forget_old(root: Path) -> None:
    """Remove analyses that no run has asked for in `KEEP_DAYS` days (90 KB a second of video)."""
    if not root.exists():
        return
    limit = time.time() - KEEP_DAYS * 86_400
    for folder in root.iterdir():
        if folder.stat().st_mtime < limit:
            shutil.rmtree(folder, ignore_errors=True)
