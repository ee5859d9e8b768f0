"""Decode one sound stream in time: what its time stamps leave out becomes silence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, pairwise
from typing import TYPE_CHECKING

import av.error

from lipsync_core.media.clock import InputClock
from lipsync_core.media.containers import open_input, own_order, packets_of, sound_stream
from lipsync_core.media.pieces import in_usual_order, silence_like, split

if TYPE_CHECKING:
    from pathlib import Path

    import av
    from av.audio.stream import AudioStream
    from av.container import InputContainer

_DRIFT = Fraction(1, 10)
"""Seconds by which time stamps may run ahead of the samples, little by little, before silence is put in
between."""
_SHORTEST = Fraction(1, 200)
"""Seconds: a hole is at least this long. Packets of 2.5 ms are the shortest in use (Opus)."""
_OF_A_PACKET, _TICKS = Fraction(3, 4), 3
"""A hole is also at least this share of a packet, as packets are lost as a whole, and this many ticks of the
container's clock, whose rounding moves each stamp by at most one."""
_BACK = Fraction(1)
"""Seconds by which time stamps run behind the samples where a clock started again."""
_LONGEST = Fraction(600)
"""Seconds of silence that one hole becomes at most; a longer step is a clock that jumped."""
_PADDING = 2 * 2048
"""Samples by which a header may say a shorter length: encoders fill up their last packet (HE-AAC: 2048). A
header that leaves out more is wrong."""


_UNSTAMPED = frozenset({"avi"})
"""Formats without time stamps: FFmpeg counts, and counts some codecs wrongly."""


_LOSSLESS = ("pcm_", "alac", "flac")


@dataclass(slots=True)
class Findings:
    """What was met while decoding.

    Attributes:
        holes: how many were filled with silence.
        silence: seconds of silence in them.
        jumps: how often the clock started again or jumped.
        damaged: packets that could not be decoded.
        changes: sample rate, layout or format changed on the way.
        cut_off: seconds that an edit list or a header cuts off the beginning.
        cut_inside: packets after the first heard one that an edit list cuts off.
    """

    holes: int = 0
    silence: Fraction = Fraction(0)
    jumps: int = 0
    damaged: int = 0
    changes: int = 0
    cut_off: Fraction = Fraction(0)
    cut_inside: int = 0


def decoded(
    path: Path, track: int | None = None, findings: Findings | None = None
) -> Iterator[av.AudioFrame]:
    """Yield the decoded frames of a sound stream, without gaps; a frame's own `pts` is where it was.

    Damaged packets are passed over. Where the file's clock then (or in a recording with lost packets) runs
    ahead of the samples, silence fills the hole, so later words stay in time.

    Args:
        path: the file.
        track: number of the sound stream; None for the default one.
        findings: is filled in on the way.
    """
    findings = findings if findings is not None else Findings()
    with open_input(path, "audio") as container:
        stream = sound_stream(container, path, track)
        if stream is None:
            return
        clock = InputClock()
        placed = _Placed(findings, stamped=container.format.name not in _UNSTAMPED)
        order = own_order(stream)
        frames = placed.all(_frames(container, stream, clock, findings))
        if order:
            frames = in_usual_order(frames, order)
        yield from _without_padding(frames, _declared_end(container, stream))
        findings.jumps += len(clock.jumps)


def _frames(
    container: InputContainer, stream: AudioStream, clock: InputClock, findings: Findings
) -> Iterator[tuple[av.AudioFrame, int]]:
    """Yield frames as the decoder gives them, each with the number of jumps of the clock before it."""
    begun, kind = False, ("", "", 0)
    for packet in packets_of(container, stream, clock):
        if packet.is_discard and packet.size:
            findings.cut_inside += begun
            if not begun and packet.duration and packet.time_base:
                findings.cut_off += packet.duration * packet.time_base
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            findings.damaged += 1
            continue
        findings.damaged += packet.is_corrupt
        for frame in frames:
            if not frame.samples:
                continue
            now = (frame.format.name, frame.layout.name, frame.sample_rate)
            findings.changes += begun and now != kind
            begun, kind = True, now
            yield frame, len(clock.jumps)


class _Placed:
    """Puts silence where the time stamps say that something is missing."""

    def __init__(self, findings: Findings, *, stamped: bool) -> None:
        self._findings, self._stamped = findings, stamped
        self._begin: Fraction | None = None
        self._heard = Fraction(0)
        self._last = (Fraction(0), Fraction(0))  # stamp and length of the frame before
        self._jumps = 0
        self._joining = False

    def all(self, frames: Iterable[tuple[av.AudioFrame, int]]) -> Iterator[av.AudioFrame]:
        """Yield all frames, with silence in between."""
        for (frame, jumps), (following, _) in pairwise(chain(frames, [(None, 0)])):
            assert frame is not None
            self._joining = self._joining or jumps != self._jumps
            self._jumps = jumps
            yield from self._frame(frame, following)

    def _frame(
        self, frame: av.AudioFrame, following: av.AudioFrame | None
    ) -> Iterator[av.AudioFrame]:
        length, stamp = Fraction(frame.samples, frame.sample_rate), _stamp(frame)
        whole: av.AudioFrame | None = frame
        if stamp is not None and self._stamped:
            if self._begin is None:
                self._begin, self._last = stamp, (stamp, Fraction(0))
            hole = self._hole(frame, stamp, length, following)
            self._last = stamp, length
            if hole > 0:
                self._findings.holes += 1
                self._findings.silence += hole
                self._heard += hole
                yield from silence_like(frame, round(hole * frame.sample_rate))
            elif hole < 0:
                whole = split(frame, round(-hole * frame.sample_rate))[1]
        if whole is not None:
            self._heard += Fraction(whole.samples, whole.sample_rate)
            yield whole

    def _hole(
        self,
        frame: av.AudioFrame,
        stamp: Fraction,
        length: Fraction,
        following: av.AudioFrame | None,
    ) -> Fraction:
        """Return the seconds missing before a frame; negative: that much of it was heard already."""
        assert self._begin is not None
        hole = stamp - self._begin - self._heard
        if abs(hole) < _SHORTEST and not self._joining:
            return Fraction(0)
        step = stamp - sum(self._last)
        base = frame.time_base or Fraction(0)
        least = max(_TICKS * base, min(_OF_A_PACKET * length, _DRIFT), _SHORTEST)
        self._joining = self._joining and hole <= -least
        if self._joining and hole > -_BACK:
            return hole
        after = _stamp(following) if following is not None else None
        onward = Fraction(0) if after is None else after - stamp - length
        if (hole > 0 and onward <= -least) or (hole < 0 and onward >= least):
            return Fraction(0)  # the next time stamp says that this one is wrong
        if hole > _LONGEST or hole < -_BACK:  # another clock, in a format that knows of none
            self._begin += hole
            self._findings.jumps += 1
            return Fraction(0)
        return hole if hole > _DRIFT or (hole >= least and step >= least) else Fraction(0)


def _stamp(frame: av.AudioFrame) -> Fraction | None:
    if frame.pts is None or not frame.time_base:
        return None
    return frame.pts * frame.time_base


def _declared_end(container: InputContainer, stream: AudioStream) -> Fraction | None:
    """Return when an MP4's sound ends: the last AAC frame is filled up, the header knows."""
    lossless = stream.codec_context.name.startswith(_LOSSLESS)  # their last packet is short itself
    if (
        "mp4" not in container.format.name
        or lossless
        or not stream.duration
        or not stream.time_base
    ):
        return None
    return ((stream.start_time or 0) + stream.duration) * stream.time_base


def _without_padding(
    frames: Iterable[av.AudioFrame], end: Fraction | None
) -> Iterator[av.AudioFrame]:
    """Yield frames up to a declared end; all of them where more lies beyond than an encoder fills up."""
    wanted, heard = 0, 0
    beyond: list[av.AudioFrame] = []
    for frame in frames:
        if not heard and end is not None:
            begin = _stamp(frame)
            end = None if begin is None else end
            wanted = 0 if begin is None or end is None else round((end - begin) * frame.sample_rate)
        if end is None:
            yield frame
            continue
        head, rest = split(frame, wanted - heard)
        heard += frame.samples
        if head is not None:
            yield head
        if rest is not None:
            beyond.append(rest)
        if sum(each.samples for each in beyond) > _PADDING:
            yield from beyond
            beyond, end = [], None
