"""Finds the faces of a target, once and for all runs, and makes it a moving target with known faces."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lipsync_core._version import __version__
from lipsync_core.errors import UnsupportedInput
from lipsync_core.faces.analyse import analyse
from lipsync_core.faces.analysis import FORMAT, Analysis
from lipsync_core.faces.selection import FaceChoice, FaceRule, choose
from lipsync_core.faces.shots import with_cuts
from lipsync_core.machine import places
from lipsync_core.media.probe import TargetInfo
from lipsync_core.media.reader import VideoReader
from lipsync_core.media.schedule import Schedule
from lipsync_core.records import Image
from lipsync_core.registry import Registry
from lipsync_core.registry.detector import choose_detector
from lipsync_core.registry.opening import open_detector
from lipsync_core.requests import RunRequest
from lipsync_core.running.progress import Progress
from lipsync_core.running.queues import ahead
from lipsync_core.running.stopwatch import Stopwatch
from lipsync_core.targets.digests import target_hash
from lipsync_core.targets.target import StillTarget, Target, VideoTarget

KEEP_DAYS = 60
"""Analyses not used for longer are removed when another is made."""
AHEAD = 4
"""Frames decoded ahead of the detector."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysedTarget:
    """A target with its faces, laid under a voice of known length.

    Attributes:
        info: of the target file.
        face_hash: digest of its content.
        detector: name of the detector.
        analysis: faces and shots.
        cached: the analysis was there already; nothing was detected.
        choice: which of the faces, per frame of the file.
        schedule: times of the output frames.
        target: output frames with their faces.
    """

    info: TargetInfo
    face_hash: str
    detector: str
    analysis: Analysis
    cached: bool
    choice: FaceChoice
    schedule: Schedule
    target: Target


def analyse_target(
    info: TargetInfo,
    lay: Callable[[TargetInfo], Schedule],
    request: RunRequest,
    registry: Registry,
    progress: Progress,
    watch: Stopwatch,
) -> AnalysedTarget:
    """Find the faces of a target and make it a moving one.

    Args:
        info: the probed target.
        lay: makes the schedule of output frames.
        request: whose face, whether a still moves, which detector.
        registry: where the detector comes from.
        progress: who listens.
        watch: where time is booked.

    Raises:
        UnsupportedInput: there is no face, or none that can be used.
        UsageError: the face rule does not fit.
    """
    rule = FaceRule.parse(request.face_rule)
    face_hash = target_hash(info)
    analysis, detector, cached = find_faces(info, face_hash, request, registry, progress, watch)
    if not len(analysis.rows):
        what = "picture" if info.kind == "picture" else "video"
        raise UnsupportedInput(
            f"No face was found in the {what} {info.path}.",
            "Use one in which a face of at least 40 pixels can be analysed, or another --detector.",
        )
    choice = choose(analysis, rule, (info.video.width, info.video.height))
    if not np.any(choice.strength > 0):
        raise UnsupportedInput(
            f"No face in {info.path} can be used: too small, turned too far, or not the one asked for.",
            "`lipsync faces` shows what was found.",
        )
    schedule = lay(info)
    return AnalysedTarget(
        info=info,
        face_hash=face_hash,
        detector=detector,
        analysis=analysis,
        cached=cached,
        choice=choice,
        schedule=schedule,
        target=_moving(info, schedule, analysis, choice, request),
    )


def _moving(
    info: TargetInfo,
    schedule: Schedule,
    analysis: Analysis,
    choice: FaceChoice,
    request: RunRequest,
) -> Target:
    if info.kind == "video":
        return VideoTarget(info, schedule, analysis, choice)
    with VideoReader(info) as reader:
        image = next(reader.frames()).rgb()
    return StillTarget(
        image,
        info.video,
        analysis,
        choice,
        len(schedule),
        idle=request.idle,
        seed=request.seed,
    )


def find_faces(
    info: TargetInfo,
    digest: str,
    request: RunRequest,
    registry: Registry,
    progress: Progress,
    watch: Stopwatch,
) -> tuple[Analysis, str, bool]:
    """The analysis of a target: from the cache, or made now.

    Returns:
        The analysis, the detector's name, and whether it came from the cache.
    """
    spec = choose_detector(registry, request)
    version = registry.row_of(spec).version or __version__
    about = {
        "detector": spec.name,
        "version": version,
        "options": json.dumps(request.options_for(spec), sort_keys=True),
        "target": digest,
    }
    name = f"{digest}-{spec.name}-{version}-{FORMAT}"
    folder = places.cache() / "faces" / name
    if Analysis.exists(folder):
        found = Analysis(folder)
        if found.about == about | {"format": str(FORMAT)}:
            folder.touch()
            return found, spec.name, True
    _forget_old(folder.parent)
    progress.stage("finding faces", info.frames)
    with ExitStack() as resources, watch.on("detect"):
        detector = open_detector(spec, request, resources)
        images = with_cuts(_images(info), info.video.frame_rate)
        made = analyse(
            resources.enter_context(closing(ahead(images, AHEAD))),
            detector,
            folder,
            about,
            batch=spec.batch,
            progress=progress.advance,
        )
    return made, spec.name, False


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
