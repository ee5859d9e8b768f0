"""Decode sound as a stream: the samples as they are, and a resampled mono copy for models."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av
import av.error
import numpy as np

from lipsync_core.media.containers import open_input, packets_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.audio.stream import AudioStream
    from av.container import InputContainer

    from lipsync_core.records import Samples

_GAP = Fraction(1, 10)
"""Seconds by which time stamps may run ahead of the samples before silence is put in between."""


def decoded(path: Path) -> Iterator[av.AudioFrame]:
    """Yield the decoded frames of the first sound stream, without gaps.

    Damaged packets are passed over; where the container's clock then (or in a recording with holes)
    runs ahead of the samples, silence fills the hole, so later words stay in time.
    """
    with open_input(path, "audio") as container:
        stream = next(iter(container.streams.audio), None)
        if stream is None:
            return
        begin: Fraction | None = None
        end = _declared_end(container, stream)
        heard = Fraction(0)
        for packet in packets_of(container, stream):
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                continue
            for frame in frames:
                if not frame.samples:
                    continue
                if frame.pts is not None and frame.time_base:
                    stamp = frame.pts * frame.time_base
                    begin = stamp if begin is None else begin
                    hole = stamp - begin - heard
                    if hole > _GAP:
                        heard += hole
                        yield from silence_like(frame, round(hole * frame.sample_rate))
                if end is not None and begin is not None:
                    left = round((end - begin - heard) * frame.sample_rate)
                    if left <= 0:
                        return
                    frame = head_of(frame, left)
                heard += Fraction(frame.samples, frame.sample_rate)
                yield frame


def _declared_end(container: InputContainer, stream: AudioStream) -> Fraction | None:
    """Return when an MP4's sound ends: the last AAC frame is filled up, the header knows."""
    if "mp4" not in container.format.name or stream.duration is None or stream.time_base is None:
        return None
    return ((stream.start_time or 0) + stream.duration) * stream.time_base


def head_of(frame: av.AudioFrame, samples: int) -> av.AudioFrame:
    """Return the first `samples` (at least one) samples of `frame`, or all if it has fewer."""
    if samples >= frame.samples:
        return frame
    stamp, base = frame.pts, frame.time_base
    frame.pts = None
    fifo = av.AudioFifo()
    fifo.write(frame)
    head = cast("av.AudioFrame", fifo.read(samples))
    head.pts, head.time_base = stamp, base
    return head


def silence_like(frame: av.AudioFrame, samples: int) -> Iterator[av.AudioFrame]:
    """Yield `samples` samples of silence in the format of `frame`, at most a second a piece."""
    while samples > 0:
        size = min(samples, frame.sample_rate)
        quiet = av.AudioFrame(frame.format.name, frame.layout.name, size)
        quiet.sample_rate = frame.sample_rate
        middle = 128 if frame.format.name.startswith("u8") else 0
        for plane in quiet.planes:
            np.frombuffer(cast("bytes", plane), np.uint8)[:] = middle
        samples -= size
        yield quiet


class Resampler:
    """swresample that survives a change of format in mid-stream."""

    def __init__(self, sample_format: str, layout: str | None, rate: int) -> None:
        """Convert to `sample_format`, `layout` (None: as it comes) and `rate` Hz."""
        self._to = (sample_format, layout, rate)
        self._from: tuple[str, str, int] | None = None
        self._resampler: av.AudioResampler | None = None

    def push(self, frame: av.AudioFrame) -> Iterator[av.AudioFrame]:
        """Yield what comes out for `frame`, possibly nothing."""
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._from:
            yield from self.flush()
            self._from = kind
            self._resampler = av.AudioResampler(
                format=self._to[0], layout=self._to[1] or frame.layout, rate=self._to[2]
            )
        frame.pts = None
        assert self._resampler is not None
        yield from self._resampler.resample(frame)

    def flush(self) -> Iterator[av.AudioFrame]:
        """Yield what the filter still holds."""
        if self._resampler is not None:
            yield from self._resampler.resample(None)
        self._resampler, self._from = None, None


def read_mono(path: Path, sample_rate: int) -> Iterator[Samples]:
    """Yield the sound as mono float32 `(n,)` in -1..1 at `sample_rate` Hz, in pieces.

    All channels count alike (their mean). The pieces add up to exactly `round(duration *
    sample_rate)` samples. A file without samples yields nothing.

    Raises:
        UnsupportedInput: the file cannot be read.
    """
    resampler = Resampler("fltp", None, sample_rate)
    heard, given = Fraction(0), 0
    for frame in decoded(path):
        heard += Fraction(frame.samples, frame.sample_rate)
        for piece in resampler.push(frame):
            given += piece.samples
            yield _mono(piece)
    target = round(heard * sample_rate)
    for piece in resampler.flush():
        left = target - given
        given += min(left, piece.samples)
        if left > 0:
            yield _mono(piece)[:left]
    if given < target:
        yield np.zeros(target - given, np.float32)


def _mono(frame: av.AudioFrame) -> Samples:
    mixed: Samples = frame.to_ndarray().mean(axis=0, dtype=np.float32)
    return mixed.clip(-1.0, 1.0)
