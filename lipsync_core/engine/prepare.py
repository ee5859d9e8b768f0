"""Prepares a target for runs with any voice: what `lipsync prepare` does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby, islice
from typing import Any

import numpy as np

from lipsync_core.engine.chain.failures import StageFailure
from lipsync_core.engine.chain.resolve import Candidate, ResolvedPlugins, resolve
from lipsync_core.engine.hosts.pool import Pool
from lipsync_core.engine.prepared import avatars
from lipsync_core.engine.prepared.avatars import Avatar
from lipsync_core.engine.rendering.generator_runner import GeneratorRunner
from lipsync_core.engine.rendering.open_renderer import open_runner, resting
from lipsync_core.errors import GenerationFailed, UnsupportedInput
from lipsync_core.media.edits import is_edit_list
from lipsync_core.media.probe import TargetInfo, probe_target
from lipsync_core.media.schedule import Schedule, make_schedule
from lipsync_core.registry import Registry
from lipsync_core.requests import PluginSettings, Silence, TargetRequest
from lipsync_core.running.cancellation import NEVER, CancelToken
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
        target: as later runs will name it.
        plugins: as later runs will have them; the first generator that can run is prepared.
        silence: as later runs will have it; "close" prepares what closes the lips, too.
        seconds: how much of a still picture's idle motion is prepared; each of its frames is another picture.
    """

    target: TargetRequest
    plugins: PluginSettings = field(default_factory=PluginSettings)
    silence: Silence = "close"
    seconds: Fraction = Fraction(10)


def prepare(
    request: PrepareRequest,
    progress: Progress | None = None,
    registry: Registry | None = None,
    *,
    cancel: CancelToken = NEVER,
) -> dict[str, Any]:
    """Find the faces of a target, and let the first generator that can run prepare them.

    Args:
        request: the target and the plugins.
        progress: listener.
        registry: plugins; default: the installed ones.
        cancel: stops the work between two frames.

    Returns:
        What was made, in plain data: see `_told`.

    Raises:
        LipsyncError: a setting is wrong, the target is of no use, the generator cannot run, or the disk is
            full. What was prepared until then is kept; the same request resumes.
    """
    begin = time.perf_counter()
    progress, registry = progress or Progress(), registry or Registry.load()
    path, watch = request.target.path, Stopwatch()
    request.target.check()
    plugins = resolve(registry, request.plugins, request.silence)
    with readable_io(avatars.folder_of_all()), terminated_is_cancelled(), one_thread():
        if is_edit_list(path):
            raise UnsupportedInput(
                f"{path} is an edit list, which is cut anew for each audio file.",
                "Run it without preparation.",
            )
        info = probe_target(
            path,
            Fraction(request.target.fps),
            request.target.video_track,
            request.target.interlaced,
        )
        analysed = analyse_target(
            info,
            _schedule(info, request),
            request.target,
            plugins.detector,
            progress,
            watch,
            seed=request.plugins.seed,
            cancel=cancel,
        )
        with closing(analysed.target), Pool() as pool:
            folders = [
                _fill(each, analysed, pool, watch, progress, cancel)
                for each in _all(plugins, analysed.target)
            ]
    return _told(plugins.candidates[0], analysed, watch, folders, time.perf_counter() - begin)


def _schedule(info: TargetInfo, request: PrepareRequest) -> Schedule:
    """A video once; a picture for as long as was asked, or one frame when it keeps still."""
    if info.kind == "video":
        return make_schedule(info.index, "cut", info.index.duration)
    frame = 1 / info.video.frame_rate
    return make_schedule(info.index, "hold", request.seconds if request.target.idle else frame)


def _all(plugins: ResolvedPlugins, target: Target) -> Iterator[Candidate]:
    """The generator, and the one that rests for it in silence; those that prepare anything."""
    first = plugins.candidates[0]
    for each in (first, resting(first, target, plugins.rest)):
        if each is not None and each.spec.prepare.scope != "none":
            yield each


def _fill(
    candidate: Candidate,
    analysed: AnalysedTarget,
    pool: Pool,
    watch: Stopwatch,
    progress: Progress,
    cancel: CancelToken,
) -> Avatar:
    """Let one generator prepare all it would be asked for.

    Raises:
        GenerationFailed: it failed.
    """
    target, name = analysed.target, candidate.spec.name
    with ExitStack() as resources:
        avatar = resources.enter_context(avatars.making(candidate, target, analysed.info.path))
        progress.stage(f"preparing ({name})", target.frames)
        try:
            runner = open_runner(candidate, target, None, pool, watch, resources, avatar)
            _walk(runner, target, progress, cancel)
        except StageFailure as failure:
            raise GenerationFailed(
                f"{name} could not prepare {analysed.info.path} ({failure.phase}): "
                f"{failure.reason.rstrip('.')}.",
                failure.hint,
            ) from failure
    return avatar


def _walk(runner: GeneratorRunner, target: Target, progress: Progress, cancel: CancelToken) -> None:
    """Ask for every frame with a face; of a track whose preparation is one, for its first."""
    if runner.spec.prepare.scope == "track":
        tracks = target.tracks()
        for track in np.unique(tracks[tracks >= 0]):
            first = int(np.flatnonzero(tracks == track)[0])
            for frame in target.walk(first, first + 1):
                _ask(runner, [frame])
        progress.advance(target.frames)
        return
    with closing(ahead(cancel.checked(target.walk(0, target.frames)), AHEAD)) as frames:
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
