"""Say what a file sounds like, by decoding it once, and all that is wrong with it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np

from lipsync_core.errors import UnsupportedInput
from lipsync_core.media.containers import (
    DAMAGED_HINT,
    open_input,
    own_order,
    pictures_of,
    sound_stream,
    video_stream,
)
from lipsync_core.media.decoding import Findings, decoded
from lipsync_core.media.index import first_stamp
from lipsync_core.media.listening import ChannelMeter, Listening
from lipsync_core.media.pieces import Resampler, is_broken, samples_of
from lipsync_core.media.sound_info import SoundInfo

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SoundInfo", "find_sound", "probe_sound"]

_TRIMMED = 4096
"""Samples cut off the beginning that are more than what encoders put before it (AAC: 2112)."""


def probe_sound(
    path: Path, track: int | str | None = None, video_track: int | str | None = None
) -> SoundInfo:
    """Say what `path` sounds like; decodes it once to count samples and to find what is wrong with them.

    Args:
        path: any file with a sound stream, also a video.
        track: which of its sound streams, by number or language; None for its default.
        video_track: which of its video streams the sound belongs to.

    Raises:
        UnsupportedInput: the file cannot be read, or has no sound stream.
        UsageError: it has no such track.
    """
    found = find_sound(path, track, video_track)
    if found is None:
        raise UnsupportedInput(
            f"The audio {path} has no sound stream.",
            "Give a sound file (.wav, .mp3, .m4a, .flac, .ogg) or a video with sound.",
        )
    if found.sample_rate <= 0:
        raise UnsupportedInput(f"The audio {path} has no sample rate.", DAMAGED_HINT)
    return found


def find_sound(
    path: Path, track: int | str | None = None, video_track: int | str | None = None
) -> SoundInfo | None:
    """Like `probe_sound`; None where the file has no sound stream."""
    with open_input(path, "audio") as container:
        stream = sound_stream(container, path, track)
        if stream is None:
            return None
        order = own_order(stream)
        context = stream.codec_context
        streams = container.streams.audio
        number = list(streams).index(stream)
        about = SoundInfo(
            path=path, codec=context.codec.canonical_name, sample_rate=context.sample_rate,
            channels=context.channels, layout=context.layout.name, samples=0, start=Fraction(0),
            track=number, tracks=len(streams), language=stream.language or "",
            uncopyable="its channels lie in an order of their own" if order else "",
        )  # fmt: skip
    return _Hearing(about).result(video_track)


class _Hearing:
    """Decodes a sound, and measures it on the way."""

    def __init__(self, about: SoundInfo) -> None:
        self._about = about
        self._findings = Findings()
        self._resampler = Resampler("flt", None, None)
        self._meter: ChannelMeter | None = None
        self._broken = 0

    def result(self, video_track: int | str | None) -> SoundInfo:
        """Hear all of it."""
        about, samples, start = self._about, 0, Fraction(0)
        rate, channels, layout = about.sample_rate, about.channels, about.layout
        for frame in decoded(about.path, about.track, self._findings):
            if not samples and frame.pts is not None and frame.time_base:
                start = frame.pts * frame.time_base
            if not samples:
                rate, channels, layout = (
                    frame.sample_rate, frame.layout.nb_channels, frame.layout.name,
                )  # fmt: skip
            same = frame.sample_rate == rate
            samples += (
                frame.samples if same else round(Fraction(frame.samples * rate, frame.sample_rate))
            )
            self._measure(frame)
        for piece in self._resampler.flush():
            self._push(piece)
        listening = self._meter.decide() if self._meter else Listening(mix=(), gain=1.0, notes=())
        return replace(
            about, sample_rate=rate, channels=channels, layout=layout, samples=samples, start=start,
            lead=_lead(about.path, start, video_track) if samples else Fraction(0),
            mix=listening.mix, gain=listening.gain, repair=self._broken > 0,
            uncopyable=self._uncopyable(rate), notes=(*self._notes(rate), *listening.notes),
        )  # fmt: skip

    def _measure(self, frame: av.AudioFrame) -> None:
        if self._meter is None:
            names = tuple(channel.name for channel in frame.layout.channels)
            self._meter = ChannelMeter(names, frame.layout.name, frame.sample_rate)
        for piece in self._resampler.push(frame):
            self._push(piece)

    def _push(self, piece: av.AudioFrame) -> None:
        assert self._meter is not None
        values = samples_of(piece)
        broken = is_broken(values)
        if broken.any():
            self._broken += int(broken.any(axis=1).sum())
            values = np.where(broken, np.float32(0), values)
        self._meter.push(values)

    def _uncopyable(self, rate: int) -> str:
        found = self._findings
        if self._broken:
            return "it holds samples that are no numbers"
        if found.damaged:
            return "some of its packets are damaged"
        if found.changes:
            return "its format changes on the way"
        if found.jumps:
            return "its clock starts again on the way"
        if found.cut_inside or found.cut_off * rate > _TRIMMED:
            return "an edit list cuts it"
        return self._about.uncopyable

    def _notes(self, rate: int) -> list[str]:
        about, found = self._about, self._findings
        notes = []
        if about.tracks > 1:
            language = f" ({about.language})" if about.language else ""
            heard = f"Audio track {about.track}{language} is heard"
            notes.append(f"{heard}, of 0 to {about.tracks - 1}; see --audio-track.")
        if self._broken:
            seconds = f"{self._broken / rate:.3f} s"
            notes.append(
                f"Samples that are no numbers: {self._broken} ({seconds}); they count as silence."
            )
        if found.damaged:
            notes.append(f"Damaged packets of the sound: {found.damaged}.")
        if found.jumps:
            notes.append(
                f"Times that the clock starts again or jumps: {found.jumps}; the parts are joined."
            )
        if found.holes:
            silence = f"{float(found.silence):.2f} s"
            notes.append(
                f"Holes in the sound: {found.holes}, filled with silence ({silence} in all)."
            )
        return notes


def _lead(path: Path, start: Fraction, video_track: int | str | None) -> Fraction:
    """Return the seconds from the first picture of a file to `start` on its clock; 0 without pictures."""
    with open_input(path, "audio") as container:
        if not pictures_of(container):
            return Fraction(0)
        stream = video_stream(container, path, video_track)
        first = first_stamp(container, stream)
        return Fraction(0) if first is None else start - first * (stream.time_base or 0)
