"""Sound as it goes on its way: the samples as they are, and a resampled mono copy for models, in pieces."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.media import decoding
from lipsync_core.media.pieces import Resampler, repaired, samples_of
from lipsync_core.media.probe_sound import find_sound
from lipsync_core.media.sound_info import SoundInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    import av

    from lipsync_core.records import Samples


def decoded(sound: SoundInfo) -> Iterator[av.AudioFrame]:
    """Yield the decoded frames of a sound: without gaps, and only with samples that are numbers."""
    for frame in decoding.decoded(sound.path, sound.track):
        if sound.repair:
            yield from repaired(frame)
        else:
            yield frame


def read_mono(sound: SoundInfo | Path, sample_rate: int, gain: float = 1.0) -> Iterator[Samples]:
    """Yield a sound as mono float32 `(n,)` in -1..1 at `sample_rate` Hz, in pieces.

    The channels are mixed as `SoundInfo.mix` says. The pieces add up to exactly `round(duration *
    sample_rate)` samples. A file without samples yields nothing.

    Args:
        sound: what to read; of a path, which is probed first, its default track.
        sample_rate: Hz wanted.
        gain: factor on every sample.

    Raises:
        UnsupportedInput: the file cannot be read.
    """
    info = sound if isinstance(sound, SoundInfo) else find_sound(sound)
    if info is None:
        return
    resampler = Resampler("flt", None, sample_rate)
    heard, given = Fraction(0), 0
    for frame in decoded(info):
        heard += Fraction(frame.samples, frame.sample_rate)
        for piece in resampler.push(frame):
            given += piece.samples
            yield _mono(piece, info.mix, gain)
    target = round(heard * sample_rate)
    for piece in resampler.flush():
        left = target - given
        given += min(left, piece.samples)
        if left > 0:
            yield _mono(piece, info.mix, gain)[:left]
    if given < target:
        yield np.zeros(target - given, np.float32)


def read_with_picture(sound: SoundInfo, sample_rate: int, gain: float = 1.0) -> Iterator[Samples]:
    """Yield a sound like `read_mono`, from the first picture of its file on.

    Silence stands before a sound that begins later; what is heard before the picture is left out.
    """
    start = round(sound.lead * sample_rate)
    while start > 0:
        size = min(start, sample_rate)
        yield np.zeros(size, np.float32)
        start -= size
    for piece in read_mono(sound, sample_rate, gain):
        left_out = min(-start, len(piece))
        start += left_out
        if left_out < len(piece):
            yield piece[left_out:]


def _mono(frame: av.AudioFrame, mix: tuple[float, ...], gain: float) -> Samples:
    values = samples_of(frame)
    if len(mix) == values.shape[1]:
        mixed: Samples = values @ np.array(mix, np.float32)
    else:
        mixed = values.mean(axis=1, dtype=np.float32)
    if gain != 1.0:
        mixed = mixed * np.float32(gain)
    return mixed.clip(-1.0, 1.0)
