"""When each frame of a video is shown, exactly, found by reading packets without decoding.

Times are whole ticks of one time base. At a constant rate the tick is one frame, also where the
container rounds (Matroska to milliseconds, GIF to centiseconds): frame k is shown at k / rate.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import av.error
import numpy as np

from lipsync_core.media.clock import InputClock, Jump
from lipsync_core.media.containers import open_input, packets_of, video_stream
from lipsync_core.records import FrameInfo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.container import InputContainer
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

_NTSC = tuple(Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120))
_WHOLE = tuple(Fraction(n) for n in (24, 25, 30, 50, 60, 10, 12, 15, 20, 48, 100, 120))
STANDARD_RATES = (*_WHOLE, *_NTSC, Fraction(25, 2))
_FASTEST = 1000
"""Frames per second of a single frame beyond which its duration means nothing (one tick of 1/90000 s)."""
_FINE_CLOCK = Fraction(1, 5000)
"""A container clock at least this fine does not hide the rate by rounding."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class VideoIndex:
    """Times of all frames of one target, in the order they are shown.

    Attributes:
        ticks: `(N,)` int64, when each frame is shown, from 0, in `time_base`.
        time_base: seconds per tick.
        last_ticks: how long the last frame is shown.
        frame_rate: average (constant: exact) frames per second.
        variable_rate: frames last differently long.
        stamps: `(N,)` int64, the container's own ascending time stamps, for seeking.
        keyframes: `(K,)` int64 ascending, frames that decoding can start at.
        counted: the container has no usable time stamps: frames are found by counting from the
            start.
        jumps: where the file's clock starts again or jumps; `stamps` are on one clock all the same.
        places: `(K,)` int64, byte position of each keyframe's packet, by which a file with jumps is
            sought in; empty for other files.
    """

    ticks: NDArray[np.int64]
    time_base: Fraction
    last_ticks: int
    frame_rate: Fraction
    variable_rate: bool
    stamps: NDArray[np.int64]
    keyframes: NDArray[np.int64]
    counted: bool = False
    jumps: tuple[Jump, ...] = ()
    places: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.ticks)

    @property
    def end(self) -> int:
        """Ticks from the first frame to the end of the last."""
        return int(self.ticks[-1]) + self.last_ticks

    @property
    def duration(self) -> Fraction:
        """Seconds from the first frame to the end of the last."""
        return self.end * self.time_base

    def info(self, index: int) -> FrameInfo:
        """Return index, time and duration of frame `index`.

        Raises:
            IndexError: there is no such frame.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of {len(self)}")
        start = int(self.ticks[index])
        stop = int(self.ticks[index + 1]) if index + 1 < len(self) else self.end
        base = self.time_base
        return FrameInfo(index=index, time=start * base, duration=(stop - start) * base)

    def keyframe_before(self, index: int) -> int:
        """Return the last keyframe at or before frame `index` (0 if there is none)."""
        place = int(np.searchsorted(self.keyframes, index, side="right"))
        return int(self.keyframes[place - 1]) if place else 0


def constant_index(frames: int, frame_rate: Fraction) -> VideoIndex:
    """Return the index of still pictures, one or more: each can be read by itself, at a constant rate."""
    each = np.arange(frames, dtype=np.int64)
    return VideoIndex(
        ticks=each, time_base=1 / frame_rate, last_ticks=1, frame_rate=frame_rate,
        variable_rate=False, stamps=each, keyframes=each,
    )  # fmt: skip


def index_of_times(stamps: NDArray[np.int64], base: Fraction, last: int) -> VideoIndex:
    """Return the index of an animation whose frames can each be read by itself.

    Args:
        stamps: `(N,)` when each is shown, ascending, in `base`.
        base: seconds per tick.
        last: how long the last one is shown, in `base`.
    """
    ticks, time_base, length, rate, variable = _clock(stamps, base, last, [])
    return VideoIndex(
        ticks=ticks, time_base=time_base, last_ticks=length, frame_rate=rate, variable_rate=variable,
        stamps=stamps, keyframes=np.arange(len(stamps), dtype=np.int64),
    )  # fmt: skip


def read_index(path: Path, track: int | str | None = None) -> VideoIndex | None:
    """Index the video of a file by demuxing it; None if it holds no frame.

    Streams whose packets carry no usable time stamps (raw H.264) are decoded once instead. The file
    is opened anew for each pass: seeking back loses frames in MPEG-PS and is refused by raw streams.

    Args:
        path: the file.
        track: which of its video streams, see `containers.chosen`.

    Raises:
        UnsupportedInput: the file cannot be read, or holds no video.
    """
    clock = InputClock()
    with open_input(path, "target") as container:
        stream = video_stream(container, path, track)
        base = stream.time_base or Fraction(1, 1000)
        rates = (stream.guessed_rate, stream.average_rate, stream.base_rate)
        hints = [rate for rate in rates if rate]
        stamps, keys, length, places = _demuxed(container, stream, clock)
    counted = places is None
    if counted:
        with open_input(path, "target") as container:
            stamps, keys, length = _decoded(container, video_stream(container, path, track), base)
    if not len(stamps):
        return None
    ticks, time_base, last, rate, variable = _clock(stamps, base, length, hints)
    return VideoIndex(
        ticks=ticks, time_base=time_base, last_ticks=last, frame_rate=rate, variable_rate=variable,
        stamps=stamps, keyframes=keys, counted=counted,
        jumps=() if counted else tuple(clock.jumps),
        places=places if places is not None and clock.jumps else np.zeros(0, np.int64),
    )  # fmt: skip


def _demuxed(
    container: InputContainer, stream: VideoStream, clock: InputClock
) -> tuple[NDArray[np.int64], NDArray[np.int64], int, NDArray[np.int64] | None]:
    """Return sorted stamps, keyframes, the last duration, and byte positions (None: no usable stamps)."""
    nothing = np.zeros(0, np.int64)
    stamps: list[int] = []
    keys: dict[int, int] = {}
    latest, length, final = -(1 << 62), 0, False
    hidden = _hides_frames(stream)
    for packet in shown_packets(container, stream, clock):
        if hidden and packet.size and not bytes(packet)[0] & 0x10:
            continue
        if packet.pts is None:
            return nothing, nothing, 0, None
        stamps.append(packet.pts)
        if packet.is_keyframe:
            keys[packet.pts] = packet.pos if packet.pos is not None else -1
        final = packet.pts > latest
        if final:
            latest, length = packet.pts, packet.duration or 0
    if not final:  # the frame shown last was not stored last: MP4 then says too short a time
        length = max(length, (stream.start_time or 0) + (stream.duration or 0) - latest)
    order = np.unique(np.array(stamps, np.int64))
    if len(order) != len(stamps):
        return nothing, nothing, 0, None
    frames = np.searchsorted(order, np.array(sorted(keys), np.int64)).astype(np.int64)
    return order, frames, length, np.array([keys[stamp] for stamp in sorted(keys)], np.int64)


def _hides_frames(stream: VideoStream) -> bool:
    """VP8 stores frames that are never shown; bit 4 of the first byte says so (RFC 6386, 9.1)."""
    return stream.codec_context.name == "vp8"


def shown_packets(
    container: InputContainer, stream: VideoStream, clock: InputClock | None = None
) -> Iterator[av.Packet[VideoStream]]:
    """Yield the packets that become a shown frame: not empty, not cut off by an edit list."""
    for packet in packets_of(container, stream, clock):
        if packet.size and not packet.is_discard:
            yield packet


def first_stamp(container: InputContainer, stream: VideoStream) -> int | None:
    """Return the time stamp of the frame shown first, in the stream's time base; None without any."""
    first: int | None = None
    for packet in shown_packets(container, stream):
        if first is not None and packet.dts is not None and packet.dts > first:
            return first  # what comes now is decoded later, so it is shown later
        if packet.pts is not None:
            first = packet.pts if first is None else min(first, packet.pts)
    return first


def _decoded(
    container: InputContainer, stream: VideoStream, base: Fraction
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Count frames by decoding; stamps are the decoder's if they ascend, else even ones."""
    found: list[int] = []
    rate = stream.guessed_rate or stream.average_rate or Fraction(25)
    step = max(1, round(1 / rate / base))
    ascending = True
    for packet in packets_of(container, stream):
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            continue
        for frame in frames:
            stamp = frame.pts
            if stamp is None or (found and stamp <= found[-1]):
                ascending = False
            found.append(stamp or 0)
    stamps = np.array(found, np.int64)
    if not ascending:
        stamps = np.array([round(k / rate / base) for k in range(len(found))], np.int64)
        stamps = np.maximum.accumulate(stamps - np.arange(len(stamps))) + np.arange(len(stamps))
    return stamps, np.zeros(min(1, len(found)), np.int64), step


def _clock(
    stamps: NDArray[np.int64], base: Fraction, length: int, hints: list[Fraction]
) -> tuple[NDArray[np.int64], Fraction, int, Fraction, bool]:
    """Return ticks, time base, the last frame's ticks, the rate, and whether the rate varies."""
    count = len(stamps)
    ticks = stamps - stamps[0]
    steps = np.diff(ticks)
    if count == 1:
        told = [1 / (length * base)] if length else []
        only = next((rate for rate in (*told, *hints) if rate <= _FASTEST), Fraction(25))
        return ticks, 1 / only, 1, only, False
    rate: Fraction | None
    even = bool((steps == steps[0]).all())
    if even and base <= _FINE_CLOCK:
        rate = 1 / (int(steps[0]) * base)
    else:
        rate = _constant_rate(ticks, base, hints)
        if rate is None and even:
            rate = 1 / (int(steps[0]) * base)
    if rate is not None:
        return np.arange(count, dtype=np.int64), 1 / rate, 1, rate, False
    last = length or int(np.median(steps))
    average = Fraction(count) / ((int(ticks[-1]) + last) * base)
    return ticks, base, last, average.limit_denominator(100_000), True


def _constant_rate(
    ticks: NDArray[np.int64], base: Fraction, hints: list[Fraction]
) -> Fraction | None:
    """Return the rate that explains the stamps to within the container's rounding, if one does.

    Rounding moves each stamp by at most half a tick, so the errors of the true rate spread over at
    most one tick. Standard rates come first, the nearest to what the file says before the others;
    short clips fit several (24 and 23.976 differ by a millisecond only after 24 frames).
    """
    said = hints[0] if hints else Fraction(25)
    standard = sorted(STANDARD_RATES, key=lambda rate: abs(rate - said))
    places = np.arange(len(ticks))
    for rate in (*standard, *hints):
        error = ticks - places * float(1 / (rate * base))
        if error.max() - error.min() <= 1.0 + 1e-6:
            return rate
    return None
