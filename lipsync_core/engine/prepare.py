"""Prepares a target for runs with any voice: what `lipsync prepare` does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby, islice
from typing import Any

import numpy as np

from lipsync_core.engine.chain.failures import StageFailure
from lipsync_core.engine.chain.resolve import Candidate, resolve
from lipsync_core.engine.prepared import avatars
from lipsync_core.engine.prepared.avatars import Avatar
from lipsync_core.engine.rendering.generator_runner import GeneratorRunner
from lipsync_core.engine.rendering.open_renderer import open_runner, resting
from lipsync_core.errors import GenerationFailed, UnsupportedInput
from lipsync_core.media.edits import is_edit_list
from lipsync_core.media.probe import TargetInfo, probe_target
from lipsync_core.media.schedule import Schedule, make_schedule
from lipsync_core.registry import Registry
from lipsync_core.requests import RunRequest
from lipsync_core.running.counters import FRAMES_MADE, TRACKS_MADE
from lipsync_core.running.interruption import readable_io, terminated_is_cancelled
from lipsync_core.running.progress import Progress
from lipsync_core.running.queues import ahead
from lipsync_core.running.stopwatch import Stopwatch
from lipsync_core.running.threads import one_thread
from lipsync_core.targets.analysis import AnalysedTarget, analyse_target
from lipsync_core.targets.placement import canvas_for
from lipsync_core.targets.target import Target, TargetFrame

AHEAD = 4
"""Frames decoded ahead of the generator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareRequest:
    """One target to prepare.

    Attributes:
        run: as later runs will be asked for; its voice and output do not matter.
        seconds: of a picture's idle motion, every frame of which is another picture.
    """

    run: RunRequest
    seconds: Fraction = Fraction(10)


def prepare(
    request: PrepareRequest, progress: Progress | None = None, registry: Registry | None = None
) -> dict[str, Any]:
    """Find the faces of a target, and let the first generator that can run prepare them.

    Returns:
        What was made, in plain data: see `_told`.

    Raises:
        UsageError: frames a second that make no video.
        LipsyncError: the target is of no use, the generator cannot run, or the disk is full. What was
            prepared until then is kept, and the same command goes on there.
    """
    begin = time.perf_counter()
    progress, registry = progress or Progress(), registry or Registry.load()
    run, watch = request.run, Stopwatch()
    run.check_fps()
    candidate = resolve(registry, run)[0][0]
    with readable_io(run.face), terminated_is_cancelled(), one_thread():
        if is_edit_list(run.face):
            raise UnsupportedInput(
                f"{run.face} is an edit list, which other voices cut differently.",
                "Leave out the preparation: a run needs none.",
            )
        info = probe_target(run.face, Fraction(run.fps))

        def lay(info: TargetInfo) -> Schedule:
            """A video once through; a picture for as long as was asked, or one frame when it keeps still."""
            if info.kind == "video":
                return make_schedule(info.index, "cut", info.index.duration)
            frame = 1 / info.video.frame_rate
            return make_schedule(info.index, "hold", request.seconds if run.idle else frame)

        analysed = analyse_target(info, lay, run, registry, progress, watch)
        with closing(analysed.target):
            folders = [
                _fill(each, analysed, registry, watch, progress)
                for each in _all(candidate, analysed.target, run, registry)
            ]
    return _told(candidate, analysed, watch, folders, time.perf_counter() - begin)


def _all(
    candidate: Candidate, target: Target, run: RunRequest, registry: Registry
) -> Iterator[Candidate]:
    """The generator, and the one that rests for it in silence; those that prepare anything."""
    quiet = resting(candidate, target, run, registry)
    for each in (candidate, quiet):
        if each is not None and each.spec.prepare.scope != "none":
            yield each


def _fill(
    candidate: Candidate,
    analysed: AnalysedTarget,
    registry: Registry,
    watch: Stopwatch,
    progress: Progress,
) -> Avatar:
    """Let one generator prepare all it would be asked for.

    Raises:
        GenerationFailed: it failed.
    """
    target, name = analysed.target, candidate.spec.name
    with ExitStack() as resources:
        avatar = resources.enter_context(
            avatars.making(candidate, target, analysed.info.path, registry)
        )
        progress.stage(f"preparing ({name})", target.frames)
        try:
            runner = open_runner(candidate, target, None, registry, watch, resources, avatar)
            _walk(runner, target, progress)
        except StageFailure as failure:
            raise GenerationFailed(
                f"{name} could not prepare {analysed.info.path} ({failure.phase}): "
                f"{failure.reason.rstrip('.')}.",
                failure.hint,
            ) from failure
    return avatar


def _walk(runner: GeneratorRunner, target: Target, progress: Progress) -> None:
    """Ask for every frame with a face; of a track whose preparation is one, for its first."""
    if runner.spec.prepare.scope == "track":
        tracks = target.tracks()
        for track in np.unique(tracks[tracks >= 0]):
            first = int(np.flatnonzero(tracks == track)[0])
            for frame in target.walk(first, first + 1):
                _ask(runner, [frame])
        progress.advance(target.frames)
        return
    with closing(ahead(target.walk(0, target.frames), AHEAD)) as frames:
        for track, group in groupby(frames, key=lambda f: f.face.track if f.face else -1):
            while chunk := list(islice(group, runner.chunk_frames)):
                if track >= 0:
                    _ask(runner, chunk)
                progress.advance(chunk[-1].number + 1)


def _ask(runner: GeneratorRunner, frames: list[TargetFrame]) -> None:
    placed = runner.place(frames)
    runner.prepare(placed.cut([canvas_for(f, n, [placed]) for n, f in enumerate(frames)]))


def _told(
    candidate: Candidate,
    analysed: AnalysedTarget,
    watch: Stopwatch,
    made: list[Avatar],
    seconds: float,
) -> dict[str, Any]:
    """What became of it, in plain data."""
    return {
        "target": str(analysed.info.path),
        "generator": candidate.spec.name,
        "prepares": candidate.spec.prepare.scope,
        "frames": analysed.target.frames,
        "frames_with_a_face": int((analysed.target.reasons() == 0).sum()),
        "faces_from_cache": analysed.cached,
        "made": {"frames": watch.counted(FRAMES_MADE), "tracks": watch.counted(TRACKS_MADE)},
        "kept": {
            "frames": sum(len(avatar.rows) for avatar in made),
            "tracks": sum(len(list(avatar.folder.glob("track-*.npz"))) for avatar in made),
        },
        "bytes": sum(avatars.size(avatar.folder) for avatar in made),
        "folders": [str(avatar.folder) for avatar in made],
        "stages": watch.report(),
        "seconds": round(seconds, 3),
    }
