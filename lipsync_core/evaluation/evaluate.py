"""Runs an evaluation: finds the face, then walks over the frames once and hands them to every scorer."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from lipsync_core._version import __version__
from lipsync_core.contracts import Scorer, Unavailable
from lipsync_core.errors import LipsyncError, UnsupportedInput
from lipsync_core.evaluation.compare import Comparison, same_face
from lipsync_core.evaluation.feed import Feed, SoundCursor, Span, together
from lipsync_core.evaluation.phones import read_phones
from lipsync_core.evaluation.pictures import Flicker
from lipsync_core.evaluation.request import EvalRequest
from lipsync_core.evaluation.sync import closed_at
from lipsync_core.media.probe import SoundInfo, TargetInfo, probe_sound, probe_target
from lipsync_core.media.schedule import make_schedule
from lipsync_core.registry import Registry
from lipsync_core.registry.opening import opened
from lipsync_core.registry.probing import probe
from lipsync_core.registry.resolving import resolve_detector, settings_context
from lipsync_core.running.progress import Progress
from lipsync_core.running.stopwatch import Stopwatch
from lipsync_core.running.threads import one_thread
from lipsync_core.specs import AlignedCrop, ScorerSpec
from lipsync_core.targets.analysis import AnalysedTarget, analyse_target
from lipsync_core.targets.placement import canvas_for, place_on
from lipsync_core.targets.target import TargetFrame

__all__ = ["evaluate"]


SCHEMA = 2
"""Version of the layout of what `evaluate` gives."""
STEADY = AlignedCrop(
    size=(96, 96),
    groups=(tuple(range(36, 42)), tuple(range(42, 48)), (30, 33)),
    reference=((30.0, 30.0), (66.0, 30.0), (48.0, 52.0)),
)
"""Crop in which flicker is measured: eyes and nose hold still, the mouth lies in the lower half."""
_CURVE_RATE = 100
"""Values a second of the opening that phones are looked up in."""


def evaluate(
    request: EvalRequest, progress: Progress | None = None, registry: Registry | None = None
) -> dict[str, Any]:
    """Judge a video.

    Returns:
        Plain data; the key `curves` holds arrays for the plot, everything else is ready for JSON.

    Raises:
        UnsupportedInput: a file is of no use, shows no face, or the reference does not fit.
        UsageError: a name that does not exist.
        PluginUnavailable: a scorer that was asked for by name cannot run.
    """
    progress, registry = progress or Progress(), registry or Registry.load()
    info = probe_target(request.video, track=request.video_track)
    if info.kind == "picture":
        raise UnsupportedInput(f"{request.video} is a picture.", "Give the video to be judged.")
    if request.audio is None and not info.has_sound:
        raise UnsupportedInput(
            f"{request.video} has no sound to judge its mouth by.", "Name the audio with --audio."
        )
    beside = request.video_track if request.audio is None else None
    sound = probe_sound(request.sound, request.audio_track, beside)
    phones = read_phones(request.phones) if request.phones else None
    with ExitStack() as resources, one_thread():
        analysed = _analysed(request, info, registry, progress, resources)
        comparison = _comparison(request, analysed, registry, progress, resources)
        feeds, absent = _feeds(request, analysed, registry, sound, resources)
        flicker = Flicker()
        failed = _walk(analysed, feeds, comparison, flicker, progress)
        failed = _too_short(feeds) | failed
    told: dict[str, Any] = {
        "schema": SCHEMA,
        "tool": "lipsync",
        "version": __version__,
        "video": str(request.video),
        "sound": str(request.sound),
        "sound_track": sound.track,
        "reference": str(request.reference) if request.reference else None,
        "timing": _timing(info, sound),
        "notes": list(sound.notes),
        "faces": _faces(analysed),
        "scorers": {feed.spec.name: _told(feed) for feed in feeds if feed.spec.name not in failed},
        "not_scored": absent | failed,
        "flicker": flicker.figures(),
        "curves": {feed.spec.name: feed.found for feed in feeds},
    }
    if comparison is not None:
        told["against_reference"] = {"frames": comparison.pairs} | comparison.figures()
        told["curves"]["against_reference"] = [
            Span(
                start=0.0,
                crops=comparison.pairs,
                rate=comparison.mouths.rate,
                figures={},
                curves=comparison.mouths.curves(),
            )
        ]
    if phones is not None:
        times = [(p.start + p.end) / 2 for p in phones if p.closes_lips]
        told["phones"] = _closures(analysed, np.array(times))
    return told


def _analysed(
    request: EvalRequest,
    info: TargetInfo,
    registry: Registry,
    progress: Progress,
    resources: ExitStack,
) -> AnalysedTarget:
    analysed = analyse_target(
        info,
        make_schedule(info.index, "cut", None),
        request.target(info.path),
        resolve_detector(registry, request.plugins),
        progress,
        Stopwatch(),
    )
    resources.enter_context(closing(analysed.target))
    return analysed


def _comparison(
    request: EvalRequest,
    analysed: AnalysedTarget,
    registry: Registry,
    progress: Progress,
    resources: ExitStack,
) -> Comparison | None:
    if request.reference is None:
        return None
    info = probe_target(request.reference)
    mine, its = analysed.info.video, info.video
    if info.kind == "picture" or (mine.width, mine.height) != (its.width, its.height):
        raise UnsupportedInput(
            f"The reference {request.reference} shows {its.width}x{its.height}, "
            f"{analysed.info.path} {mine.width}x{mine.height}.",
            "Give a video of the same size, with the same frames.",
        )
    if abs(info.frames - analysed.info.frames) > 2:
        progress.note(
            f"The reference has {info.frames} frames, the video {analysed.info.frames}: "
            "only as many as both have are compared."
        )
    other = _analysed(request, info, registry, progress, resources)
    return Comparison(analysed.target, other.target)


def _feeds(
    request: EvalRequest,
    analysed: AnalysedTarget,
    registry: Registry,
    sound: SoundInfo,
    resources: ExitStack,
) -> tuple[list[Feed], dict[str, dict[str, str]]]:
    """Opened scorers, and why the others do not run."""
    wanted = [registry.get(ScorerSpec, name) for name in request.scorers]
    feeds: list[Feed] = []
    absent: dict[str, dict[str, str]] = {}
    for spec in wanted or registry.all(ScorerSpec):
        context = settings_context(spec, request.plugins)
        answer = probe(spec, context)
        try:
            if isinstance(answer, Unavailable):
                raise LipsyncError(answer.reason, answer.hint)
            scorer = cast(Scorer, opened(spec, context, resources))
        except LipsyncError as error:
            absent[spec.name] = {"reason": error.message, "hint": error.hint}
            continue
        cursor = SoundCursor(sound, spec.sample_rate, sound.lead)
        feeds.append(Feed(spec, scorer, analysed.target, cursor))
    if wanted and not feeds:
        from lipsync_core.errors import PluginUnavailable

        name, why = next(iter(absent.items()))
        raise PluginUnavailable(
            f"The scorer '{name}' cannot run here: {why['reason'].rstrip('.')}.", why["hint"]
        )
    return feeds, absent


def _walk(
    analysed: AnalysedTarget,
    feeds: list[Feed],
    comparison: Comparison | None,
    flicker: Flicker,
    progress: Progress,
) -> dict[str, dict[str, str]]:
    """Every frame once; gives the scorers that failed on the way, with the reason."""
    target = analysed.target
    cuts = {start for start, _ in target.shots()}
    failed: dict[str, dict[str, str]] = {}
    progress.stage("judging", target.frames)
    before: TargetFrame | None = None

    def each(call: str, *frame: TargetFrame) -> None:
        for feed in feeds:
            if feed.spec.name in failed:
                continue
            try:
                getattr(feed, call)(*frame)
            except LipsyncError as error:
                failed[feed.spec.name] = {"reason": error.message, "hint": error.hint}
            except Exception as error:  # noqa: BLE001 - one broken scorer must not cost the others
                failed[feed.spec.name] = {
                    "reason": f"{type(error).__name__}: {error}",
                    "hint": "Report this to the plugin's author.",
                }

    for frame in target.walk(0, target.frames):
        if comparison is not None:
            comparison.take(frame)
        unbroken = before is not None and same_face(before.face, frame.face)
        if not unbroken or frame.number in cuts:
            each("end")
            flicker.cut()
        if frame.face is not None:
            each("take", frame)
            placed = place_on(STEADY, target, [frame])
            flicker.add(placed.cut([canvas_for(frame, 0, [placed])]).images[0])
        before = frame
        progress.advance(frame.number + 1)
    each("end")
    return failed


def _too_short(feeds: list[Feed]) -> dict[str, dict[str, str]]:
    """Scorers to which the face was never shown for long enough, with the reason."""
    return {
        feed.spec.name: {
            "reason": f"the face is nowhere seen for {feed.spec.least} crops at "
            f"{feed.spec.frame_rate} a second without a break",
            "hint": "Give a longer video, or one with fewer cuts.",
        }
        for feed in feeds
        if not feed.found
    }


def _told(feed: Feed) -> dict[str, Any]:
    return {
        "figures": together(feed.spec, feed.found),
        "frames": sum(s.crops for s in feed.found),
        "spans": [{"start": round(s.start, 3), "frames": s.crops, **s.figures} for s in feed.found],
        "meaning": {m.key: {"better": m.better, "help": m.help} for m in feed.spec.measures},
    }


def _timing(info: TargetInfo, sound: SoundInfo) -> dict[str, Any]:
    return {
        "frames": info.frames,
        "frame_rate": str(info.video.frame_rate),
        "variable_rate": info.video.variable_rate,
        "video_seconds": round(float(info.duration), 6),
        "sound_seconds": round(float(sound.duration), 6),
        "sound_starts_after": round(float(sound.lead), 6),
        "sound_longer_by": round(float(sound.lead + sound.duration - info.duration), 6),
    }


def _faces(analysed: AnalysedTarget) -> dict[str, Any]:
    usable = analysed.target.reasons() == 0
    shown = np.zeros(analysed.analysis.frames, bool)
    shown[analysed.analysis.rows["frame"]] = True
    return {
        "detector": analysed.detector,
        "hit_rate": float(shown.mean()),
        "usable_rate": float(usable.mean()),
        "shots": len(analysed.analysis.shots),
    }


def _closures(analysed: AnalysedTarget, times: NDArray[np.float64]) -> dict[str, float]:
    """Of the p, b and m that were spoken: how many, and at which share the lips were closed."""
    target = analysed.target
    shown = np.array([float(target.time(n)) for n in range(target.frames)])
    source = np.array([analysed.schedule.source(n) for n in range(target.frames)])
    rows = analysed.choice.rows[source]
    opening = np.where(rows >= 0, analysed.analysis.rows["opening"][np.maximum(rows, 0)], np.nan)
    grid = np.arange(int(float(target.duration) * _CURVE_RATE)) / _CURVE_RATE
    curve = opening[np.clip(np.searchsorted(shown, grid, side="right") - 1, 0, None)]
    closed = closed_at(curve.astype(np.float64), times[times < float(target.duration)], _CURVE_RATE)
    share = float(closed.mean()) if len(closed) else 0.0
    return {"bilabials": float(len(closed)), "closed": share}
