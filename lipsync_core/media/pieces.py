"""Cut, convert and make decoded sound. Samples are touched by numpy in packed layouts only.

In a planar frame PyAV 18 finds the planes by a list that ends at 8 channels; beyond, it reads foreign memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import av
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

_TYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}
"""FFmpeg's packed sample formats as numpy types."""
_LAYOUTS = (
    "mono", "stereo", "2.1", "3.0", "3.0(back)", "4.0", "quad", "quad(side)", "3.1", "5.0", "5.0(side)",
    "4.1", "5.1", "5.1(side)", "6.0", "6.0(front)", "hexagonal", "6.1", "6.1(back)", "6.1(front)", "7.0",
    "7.0(front)", "7.1", "7.1(wide)", "7.1(wide-side)", "5.1.2", "5.1.2(back)", "octagonal", "cube",
    "5.1.4", "7.1.2", "7.1.4", "7.2.3", "9.1.4", "9.1.6", "hexadecagonal", "downmix", "22.2",
)  # fmt: skip
"""Layouts of FFmpeg, in whose order the channels of others are brought."""
_LARGEST = 1e9
"""Values of float sounds beyond this are no sound; AAC's encoder refuses them from 1e16."""


class Resampler:
    """swresample that survives a change of format in mid-stream."""

    def __init__(self, sample_format: str, layout: str | None, rate: int | None) -> None:
        """Convert to `sample_format`, `layout` and `rate` Hz (None: as it comes)."""
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
                format=self._to[0],
                layout=self._to[1] or frame.layout,
                rate=self._to[2] or frame.sample_rate,
            )
        frame.pts = None
        assert self._resampler is not None
        yield from self._resampler.resample(frame)

    def flush(self) -> Iterator[av.AudioFrame]:
        """Yield what the filter still holds."""
        if self._resampler is not None:
            yield from self._resampler.resample(None)
        self._resampler, self._from = None, None


def packed_name(sample_format: str) -> str:
    """Name the packed form of a sample format: "fltp" -> "flt"."""
    return sample_format.removesuffix("p")


def samples_of(frame: av.AudioFrame) -> NDArray[Any]:
    """Return a view `(samples, channels)` of a packed frame, in its own type."""
    kind, channels = np.dtype(_TYPES[frame.format.name]), frame.layout.nb_channels
    count = frame.samples * channels
    flat = np.frombuffer(cast("bytes", frame.planes[0]), kind, count)
    return flat.reshape(-1, channels)


def split(frame: av.AudioFrame, samples: int) -> tuple[av.AudioFrame | None, av.AudioFrame | None]:
    """Return the first `samples` samples of `frame` and the rest; None for a part that is empty."""
    if samples <= 0:
        return None, frame
    if samples >= frame.samples:
        return frame, None
    stamp, base = frame.pts, frame.time_base
    frame.pts = None
    fifo = av.AudioFifo()
    fifo.write(frame)
    head, rest = cast("av.AudioFrame", fifo.read(samples)), cast("av.AudioFrame", fifo.read(0))
    head.pts = stamp
    if base is not None:
        head.time_base = base
    rest.pts = None
    return head, rest


def silence_like(frame: av.AudioFrame, samples: int) -> Iterator[av.AudioFrame]:
    """Yield `samples` samples of silence in the format of `frame`, at most a second a piece."""
    name = packed_name(frame.format.name)
    resampler = Resampler(frame.format.name, frame.layout.name, frame.sample_rate)
    while samples > 0:
        size = min(samples, frame.sample_rate)
        quiet = av.AudioFrame(name, frame.layout.name, size)
        quiet.sample_rate = frame.sample_rate
        samples_of(quiet)[:] = 128 if name == "u8" else 0
        samples -= size
        yield from resampler.push(quiet)
    yield from resampler.flush()


def in_usual_order(
    frames: Iterable[av.AudioFrame], names: tuple[str, ...]
) -> Iterator[av.AudioFrame]:
    """Yield frames whose channels lie in an order of their own, packed, in FFmpeg's order.

    Args:
        frames: with as many channels as there are names.
        names: of the channels, as they lie; where they make up no layout, all stays as it is.
    """
    layout = next((each for each in _LAYOUTS if sorted(_names(each)) == sorted(names)), None)
    if layout is None:
        yield from frames
        return
    order = [names.index(name) for name in _names(layout)]
    for frame in frames:
        stamp, base = frame.pts, frame.time_base
        resampler = Resampler(packed_name(frame.format.name), None, None)
        for packed in (*resampler.push(frame), *resampler.flush()):
            values = np.ascontiguousarray(samples_of(packed)[:, order])
            moved = av.AudioFrame(packed.format.name, layout, packed.samples)
            moved.sample_rate = packed.sample_rate
            samples_of(moved)[:] = values
            moved.pts, stamp = stamp, None
            if base is not None:
                moved.time_base = base
            yield moved


def _names(layout: str) -> tuple[str, ...]:
    return tuple(channel.name for channel in av.AudioLayout(layout).channels)


def is_broken(samples: NDArray[Any]) -> NDArray[np.bool_]:
    """Which samples are no numbers, or absurd ones."""
    return np.asarray(~(np.abs(samples) < _LARGEST))


def repaired(frame: av.AudioFrame) -> Iterator[av.AudioFrame]:
    """Yield a frame of floats, packed, with silence in place of samples that are no numbers."""
    resampler = Resampler(packed_name(frame.format.name), None, None)
    for packed in (*resampler.push(frame), *resampler.flush()):
        values = samples_of(packed)
        if values.dtype.kind == "f":
            values[is_broken(values)] = 0
        yield packed
