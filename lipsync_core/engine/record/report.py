"""The report beside each output: what ran, what was tried and why not, figures per stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from lipsync_core._version import __version__
from lipsync_core.engine.chain.failures import Attempt
from lipsync_core.faces.selection import REASONS
from lipsync_core.media.output import atomic_output, beside, json_bytes
from lipsync_core.media.sound_info import SoundInfo
from lipsync_core.requests import Silence
from lipsync_core.running.counters import (
    FRAMES_AGAIN,
    FRAMES_MADE,
    FRAMES_SILENT,
    FRAMES_STORED,
    TRACKS_MADE,
    TRACKS_STORED,
)
from lipsync_core.running.stopwatch import Stopwatch
from lipsync_core.specs import PluginSpec
from lipsync_core.targets.inputs import Inputs
from lipsync_core.targets.target import passthrough_spans, turned_spans

NO_SPEECH = 0.005
"""Share of the frames with speech below which none was heard."""
SCHEMA = 2
"""Version of the report's layout."""


def report_path(output: Path) -> Path:
    """Where the report of `output` lies: `talk.mp4` -> `talk.mp4.report.json`."""
    return beside(output, ".report.json")


def describe_inputs(inputs: Inputs) -> dict[str, Any]:
    """Both input files, in numbers."""
    source, video, sound = inputs.source, inputs.source.video, inputs.sound
    return {
        "target": {
            "path": str(source.path),
            "kind": source.kind,
            "codec": source.codec,
            "track": source.track,
            "tracks": source.tracks,
            "width": video.width,
            "height": video.height,
            "frame_rate": str(video.frame_rate),
            "variable_rate": video.variable_rate,
            "frames": source.frames,
            "seconds": _seconds(source.duration),
            "digest": source.digest,
        },
        "audio": {
            "path": str(sound.path),
            "codec": sound.codec,
            "sample_rate": sound.sample_rate,
            "channels": sound.channels,
            "layout": sound.layout,
            "seconds": _seconds(sound.duration),
            "starts_after_picture": _seconds(sound.lead),
            "track": sound.track,
            "tracks": sound.tracks,
            "language": sound.language,
            "digest": inputs.audio_hash,
        },
    }


def silence_notes(sound: SoundInfo, share: float | None, silence: Silence) -> list[str]:
    """What to say, and to try, where no speech was heard; empty where some was.

    Args:
        sound: what was listened to.
        share: of the output's frames in which somebody speaks; None: unknown.
        silence: what the mouth does in silence.
    """
    if share is None or share >= NO_SPEECH:
        return []
    heard = f"No speech was heard in {sound.path.name}"
    last = sound.tracks - 1
    other = f" choose another of its audio tracks (0 to {last}) with --audio-track;" if last else ""
    if silence == "generate":
        return [f"{heard}. Listen to the file;{other} the mouth follows its sound all the same."]
    return [
        f"{heard}, so the mouth stays shut. Listen to the file;{other} where it is a voice all the same, "
        "try --silence generate."
    ]


def describe_faces(inputs: Inputs) -> dict[str, Any]:
    """Detector, tracks, shots, which output frames get a new mouth, and which of their faces are turned."""
    reasons = inputs.target.reasons()
    return {
        "detector": inputs.detector,
        "from_cache": inputs.cached,
        "tracks": inputs.tracks,
        "shots": inputs.shots,
        "frames": int(inputs.target.frames),
        "frames_with_new_mouth": int((reasons == 0).sum()),
        "frames_passed_through": int((reasons > 0).sum()),
        "passthrough": passthrough_spans(reasons),
        "turned": turned_spans(inputs.target.quarters()),
    }


def describe_saved(inputs: Inputs, watch: Stopwatch) -> dict[str, Any]:
    """What did not have to be computed: frames without a new mouth, and preparations known already.

    Args:
        inputs: of the run.
        watch: it counted in this process; a run that was resumed has counted what was left to do.
    """
    reasons = inputs.target.reasons()
    why: dict[str, int] = {REASONS[n]: int((reasons == n).sum()) for n in range(1, len(REASONS))}
    why["silent"] = watch.counted(FRAMES_SILENT)
    return {
        "frames": sum(why.values()),
        "why": why,
        "prepared": {
            "frames": {
                "made": watch.counted(FRAMES_MADE),
                "stored": watch.counted(FRAMES_STORED),
                "again": watch.counted(FRAMES_AGAIN),
            },
            "tracks": {
                "made": watch.counted(TRACKS_MADE),
                "stored": watch.counted(TRACKS_STORED),
            },
        },
    }


def describe_chain(
    asked: tuple[str, ...],
    made: Mapping[int, str],
    shots: list[tuple[int, int]],
    attempts: list[Attempt],
    default: str,
    notes: list[dict[str, object]],
) -> dict[str, Any]:
    """Which generator made which shot, the story of those that did not, and what each notes of its frames."""
    used: dict[str, int] = {}
    for shot, (start, stop) in enumerate(shots):
        name = made.get(shot, "")
        used[name] = used.get(name, 0) + stop - start
    return {
        "asked": list(asked) or [default],
        "used": used,
        "default": default,
        "default_had_to_serve": bool(asked) and default not in asked and default in used,
        "attempts": [attempt.as_dict() for attempt in attempts],
        "shots": [
            {"first": start, "last": stop - 1, "generator": made.get(shot, "")}
            for shot, (start, stop) in enumerate(shots)
        ],
        "notes": notes,
    }


def describe_licences(specs: Iterable[PluginSpec]) -> list[dict[str, Any]]:
    """Of each plugin: licences of code and weights, and whether commercial use is allowed."""
    return [
        {
            "kind": spec.kind,
            "name": spec.name,
            "code": spec.licence.code,
            "weights": spec.licence.weights,
            "commercial": spec.licence.commercial,
        }
        for spec in dict.fromkeys(specs)
    ]


def head() -> dict[str, Any]:
    """What every report begins with."""
    return {"schema": SCHEMA, "tool": "lipsync", "version": __version__, "ai_edited": True}


def write(report: Mapping[str, Any], output: Path) -> Path:
    """Write the report beside `output`, in one step."""
    path = report_path(output)
    with atomic_output(path) as part:
        part.write_bytes(json_bytes(report))
    return path


def _seconds(value: Fraction) -> float:
    return round(float(value), 6)
