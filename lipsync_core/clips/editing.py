"""Makes an edit list for a voice, and writes it with its plot and its form for editing programs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_core.clips.cmx import cmx3600
from lipsync_core.clips.cutting import Pace, Span, cut, spans
from lipsync_core.clips.library import Library
from lipsync_core.clips.plot import draw
from lipsync_core.errors import UnsupportedInput
from lipsync_core.media.edits import EditList
from lipsync_core.media.output import atomic_output, beside, readable
from lipsync_core.media.probe import probe_sound
from lipsync_core.media.sound import read_with_picture
from lipsync_core.media.sound_info import SoundInfo
from lipsync_core.voice.activity import SAMPLE_RATE, activity_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutting:
    """An edit list with what led to it.

    Attributes:
        edits: what is shown.
        parts: speech and silence in turn; none for a list that somebody wrote.
        activity: `(n,)` voice activity 0..1 of each output frame.
        voice: the sound.
    """

    edits: EditList
    parts: tuple[Span, ...]
    activity: NDArray[np.float32]
    voice: SoundInfo

    def as_dict(self) -> dict[str, Any]:
        """In numbers: frames, seconds, clips, cuts, and how much is speech, silence and held."""
        rate = self.edits.frame_rate
        edits = self.edits.edits
        seconds = {
            kind: float(sum(e.frames for e in edits if e.kind == kind) / rate)
            for kind in ("talk", "silence")
        }
        return {
            "frames": self.edits.frames,
            "seconds": float(self.edits.frames / rate),
            "edit_count": len(edits),
            "clip_count": len({edit.clip for edit in edits}),
            "seconds_of_talk": round(seconds["talk"], 3),
            "seconds_of_silence": round(seconds["silence"], 3),
            "seconds_held": round(float(sum(e.hold for e in edits) / rate), 3),
            "speech_share": round(float(np.mean(self.activity > 0.5)), 4),
            "notes": list(self.voice.notes),
        }


def edited(library: Library, voice: Path, pace: Pace, audio_track: str | None = None) -> Cutting:
    """Lay the clips of a library under a voice.

    Raises:
        UnsupportedInput: the voice cannot be read or is empty, or clips are missing.
        UsageError: it has no such track.
    """
    sound = probe_sound(voice, audio_track)
    activity = _activity(sound, library.frame_rate)
    parts = tuple(spans(activity, float(library.frame_rate), pace))
    return Cutting(edits=cut(library, parts, pace), parts=parts, activity=activity, voice=sound)


def given(edits: EditList, voice: Path, audio_track: str | None = None) -> Cutting:
    """A list that is there already, fitted to a voice."""
    sound = probe_sound(voice, audio_track)
    activity = _activity(sound, edits.frame_rate)
    return Cutting(edits=edits.fitted(len(activity)), parts=(), activity=activity, voice=sound)


def companions(output: Path) -> dict[str, Path]:
    """Files that go with `talk.mp4` or `talk.edits.json`: `talk.edits.json`, `talk.edl`, `talk.edits.png`."""
    name = output.with_name(output.stem.removesuffix(".edits"))
    endings = {"edits": ".edits.json", "edl": ".edl", "plot": ".edits.png"}
    return {what: beside(name, ending) for what, ending in endings.items()}


def write(cutting: Cutting, files: dict[str, Path], title: str) -> None:
    """Write the list, its CMX 3600 form and its plot; each appears in one step.

    A list that somebody wrote stays as it is.
    """
    contents = {
        files["edl"]: readable(cmx3600(cutting.edits, title, cutting.voice.path)).encode(),
        files["plot"]: draw(cutting.edits, cutting.activity, cutting.voice, title),
    }
    if cutting.parts:
        contents[files["edits"]] = cutting.edits.text(files["edits"].parent).encode()
    for path, content in contents.items():
        with atomic_output(path) as part:
            part.write_bytes(content)


def _activity(voice: SoundInfo, rate: Fraction) -> NDArray[np.float32]:
    """Voice activity of every frame that is needed to show all of a voice."""
    if not voice.end:
        raise UnsupportedInput(f"The voice {voice.path} has no sound.", "Use another file.")
    wanted = math.ceil(voice.end * rate)
    heard = read_with_picture(voice, SAMPLE_RATE, voice.gain)
    found = activity_of(heard, rate)[:wanted]
    return np.pad(found, (0, wanted - len(found)))
