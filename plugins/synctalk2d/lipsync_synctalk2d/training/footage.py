"""What is wrong with footage, told before anything is trained: length, face, cuts, silence, sync, size."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lipsync_core.errors import UnsupportedInput
from lipsync_core.evaluation.evaluate import evaluate
from lipsync_core.evaluation.request import EvalRequest
from lipsync_core.faces.crops import place
from lipsync_core.footage import (
    AnalysedTarget,
    analyse_target,
    make_schedule,
    probe_sound,
    probe_target,
    read_mono,
)
from lipsync_core.registry import Registry
from lipsync_core.registry.resolving import resolve_detector
from lipsync_core.requests import PluginSettings, TargetRequest
from lipsync_core.running.stopwatch import Stopwatch
from lipsync_core.voice.activity import SAMPLE_RATE, activity_of
from lipsync_synctalk2d.spec import GENERATORS
from lipsync_synctalk2d.training.prepare import RATE, usable_frames

if TYPE_CHECKING:
    from lipsync_core.running.progress import Progress
    from lipsync_synctalk2d.training.request import TrainRequest

Level = Literal["error", "warning"]

LEAST_SECONDS, FEW_SECONDS = 2.0, 120.0
"""Of usable footage: below the first nothing can be learnt; upstream advises five minutes."""
LEAST_SHOWN, FEW_SHOWN = 0.5, 0.95
MANY_SECOND_FACES = 0.02
LEAST_SPEECH, LITTLE_SPEECH, NO_PAUSE = 0.1, 0.4, 0.98
WRONG_MS, DOUBTFUL_MS = 200.0, 60.0
TRUSTED = 0.3
"""Correlation of mouth and voice from which on their offset is believed."""
SMALL, TOO_SMALL = 0.6, 0.25
"""Of the network's pictures: widths of the face in the footage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """What was measured.

    Attributes:
        seconds: length.
        usable_seconds: that can be learnt from, at 25 crops a second.
        size: width and height of the picture.
        frame_rate: frames a second.
        hit_rate: share of frames with a face.
        second_faces: share of frames with more than one.
        cuts: how many.
        speech: share of the time that somebody speaks.
        face_width: median width of the crop in the footage, pixels.
        offset_ms: by which the voice comes later than the mouth; None where that cannot be told.
        moved_ms: by which it was moved already.
        correlation: of mouth and voice at that offset; None where they were not compared.
    """

    seconds: float
    usable_seconds: float
    size: tuple[int, int]
    frame_rate: float
    hit_rate: float
    second_faces: float
    cuts: int
    speech: float
    face_width: float
    offset_ms: float | None
    moved_ms: int
    correlation: float | None

    def as_dict(self) -> dict[str, Any]:
        """Plain data, rounded."""
        return {k: round(v, 3) if isinstance(v, float) else v for k, v in asdict(self).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is wrong: how badly, what, and what to do."""

    level: Level
    message: str
    hint: str


def look(request: TrainRequest, progress: Progress) -> tuple[AnalysedTarget, Footage, Fraction]:
    """Measure footage.

    Returns:
        The footage with its faces (its target is to be closed), the measures, and the seconds from the
        first frame to the first sample.

    Raises:
        UnsupportedInput: it is no video, has no sound, or shows no face that can be used.
    """
    info = probe_target(request.footage)
    if info.kind == "picture":
        raise UnsupportedInput(
            f"{request.footage} is a picture: nothing moves in it.", "Give a video of the person."
        )
    if not info.has_sound:
        raise UnsupportedInput(
            f"{request.footage} has no sound to learn from.",
            "Give a video in which the person speaks.",
        )
    sound = probe_sound(request.footage)
    registry = Registry.load()
    analysed = analyse_target(
        info,
        make_schedule(info.index, "cut", None),
        TargetRequest(path=request.footage, face=request.face_rule),
        resolve_detector(registry, PluginSettings(detector=request.detector)),
        progress,
        Stopwatch(),
    )
    offset, correlation = _sync(request, registry, progress)
    shown = np.bincount(analysed.analysis.rows["frame"], minlength=analysed.analysis.frames)
    measured = Footage(
        seconds=float(info.duration),
        usable_seconds=len(usable_frames(analysed)) / min(RATE, float(info.video.frame_rate)),
        size=(info.video.width, info.video.height),
        frame_rate=float(info.video.frame_rate),
        hit_rate=float((shown > 0).mean()),
        second_faces=float((shown > 1).mean()),
        cuts=len(analysed.analysis.shots) - 1,
        speech=_speech(request),
        face_width=_face_width(request, analysed),
        offset_ms=offset,
        moved_ms=request.offset_ms,
        correlation=correlation,
    )
    return analysed, measured, sound.lead


def findings(found: Footage, side: int) -> list[Finding]:
    """What is wrong, the worst first."""
    told = [
        *_length(found),
        *_faces(found),
        *_voice(found),
        *_resolution(found, side),
    ]
    return sorted(told, key=lambda finding: finding.level != "error")


def _length(found: Footage) -> list[Finding]:
    seconds = f"{found.usable_seconds:.1f} s of {found.seconds:.1f} s can be learnt from"
    if found.usable_seconds < LEAST_SECONDS:
        return [_error(f"Only {seconds}.", "Give some minutes of the person speaking.")]
    if found.usable_seconds < FEW_SECONDS:
        return [
            _warning(
                f"It is short: {seconds}.",
                "Five minutes are advised; from less the mouth is blurred and follows less well.",
            )
        ]
    return []


def _faces(found: Footage) -> list[Finding]:
    told = []
    if found.hit_rate < FEW_SHOWN:
        told.append(
            Finding(
                level="error" if found.hit_rate < LEAST_SHOWN else "warning",
                message=f"A face is found in {found.hit_rate:.0%} of the frames only.",
                hint="Frames without are left out; better is footage that shows the face throughout.",
            )
        )
    if found.second_faces > MANY_SECOND_FACES:
        told.append(
            _warning(
                f"A second face is in {found.second_faces:.0%} of the frames.",
                "See `lipsync faces`, and choose the right one with --face id:N.",
            )
        )
    if found.cuts:
        told.append(
            _warning(
                f"There are {found.cuts} cuts.",
                "One take with one background and one light gives the best person.",
            )
        )
    return told


def _voice(found: Footage) -> list[Finding]:
    told = []
    if found.speech < LITTLE_SPEECH:
        told.append(
            Finding(
                level="error" if found.speech < LEAST_SPEECH else "warning",
                message=f"Somebody speaks in {found.speech:.0%} of the time only.",
                hint="Give footage in which the person speaks most of the time.",
            )
        )
    elif found.speech > NO_PAUSE and found.seconds > 10:
        told.append(
            _warning(
                "There is no pause in the speech.",
                "Some seconds of silence teach the mouth at rest.",
            )
        )
    sure = found.offset_ms is not None and (found.correlation or 0) >= TRUSTED
    if found.offset_ms is not None and sure and abs(found.offset_ms) > DOUBTFUL_MS:
        late = "after" if found.offset_ms > 0 else "before"
        told.append(
            Finding(
                level="error" if abs(found.offset_ms) > WRONG_MS else "warning",
                message=f"The voice comes {abs(found.offset_ms):.0f} ms {late} the mouth.",
                hint=f"Add --offset-ms {found.moved_ms - round(found.offset_ms)} to correct it, if you see "
                "the same.",
            )
        )
    if found.correlation is not None and found.correlation < TRUSTED:
        told.append(
            _warning(
                f"Mouth and voice hardly agree (correlation {found.correlation:.2f}).",
                "Is it the person's own voice, with nobody else's and no music under it?",
            )
        )
    return told


def _resolution(found: Footage, side: int) -> list[Finding]:
    share = found.face_width / side
    if share >= SMALL:
        return []
    told = f"The face is {found.face_width:.0f} pixels wide, and the network paints {side}."
    if share < TOO_SMALL:
        return [_error(told, "Give footage in which the face is larger.")]
    return [_warning(told, "The mouth cannot become sharper than the footage.")]


def _error(message: str, hint: str) -> Finding:
    return Finding(level="error", message=message, hint=hint)


def _warning(message: str, hint: str) -> Finding:
    return Finding(level="warning", message=message, hint=hint)


def _sync(
    request: TrainRequest, registry: Registry, progress: Progress
) -> tuple[float | None, float | None]:
    """Offset and correlation as `lipsync eval` tells them, of mouth and visemes."""
    asked = EvalRequest(
        video=request.footage,
        face=request.face_rule,
        scorers=("lips",),
        plugins=PluginSettings(detector=request.detector),
    )
    scored = evaluate(asked, progress, registry)["scorers"].get("lips")
    if scored is None:
        return None, None
    figures = scored["figures"]
    shift = figures.get("offset_ms")
    return None if shift is None else shift + request.offset_ms, figures.get("correlation")


def _speech(request: TrainRequest) -> float:
    activity = activity_of(read_mono(request.footage, SAMPLE_RATE), Fraction(RATE))
    return float((activity > 0.5).mean()) if len(activity) else 0.0


def _face_width(request: TrainRequest, analysed: AnalysedTarget) -> float:
    """Median width of the crop in pixels of the footage, over at most 100 frames."""
    frames = usable_frames(analysed)
    if not len(frames):
        return 0.0
    rows = analysed.choice.rows[frames[:: max(1, len(frames) // 100)]]
    points, boxes = analysed.analysis.landmarks(rows), analysed.analysis.rows["box"][rows]
    spec = GENERATORS[request.side].crop
    matrices, size = place(spec, boxes.astype(np.float64), points, analysed.analysis.scheme)
    return float(np.median(size[0] / matrices[:, 0, 0]))
