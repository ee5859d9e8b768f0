"""Whisper's log-mel front end, in the two ways that MuseTalk and LatentSync use it; no streaming.

STFT of 400 samples every 160 with a periodic Hann window and reflected edges, power on 80 Slaney bands from
0 to 8000 Hz, log10 above 1e-10, at most 8 below the loudest, `(x + 4) / 4`. Source: Radford et al. 2022 and
the feature extractors of both projects, whose last column is dropped.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.records import Samples

    Mel = NDArray[np.float32]
    """`(80, columns)`."""

SAMPLE_RATE, HOP, WINDOW, BANDS = 16_000, 160, 400, 80
SEGMENT = 30 * SAMPLE_RATE
"""Samples in one window of the network."""
COLUMNS = SEGMENT // HOP
_HIGH_HZ = 8000.0
_FLOOR, _RANGE = 1e-10, 8.0
_AT_ONCE = 3000
"""Columns of the STFT that are computed together; a long sound would take much memory otherwise."""


def padded_before(samples: Samples) -> Mel:
    """`(80, 3000)` of at most 30 s, filled up with silence first: MuseTalk's.

    The floor sees the silence, and the sound's end rings into it.
    """
    whole = np.zeros(SEGMENT, np.float32)
    whole[: len(samples)] = samples[:SEGMENT]
    return log_mel(whole)


def padded_after(samples: Samples) -> Mel:
    """`(80, 3000)` of at most 30 s, filled up with zeros in the mel itself: LatentSync's."""
    return filled_up(log_mel(samples[:SEGMENT]))


def filled_up(mel: Mel) -> Mel:
    """`(80, 3000)`: zeros after what is there, which are neither silence nor its floor."""
    return np.pad(mel, ((0, 0), (0, COLUMNS - mel.shape[1])))


def log_mel(samples: Samples) -> Mel:
    """`(80, len(samples) // 160)` with one floor for all of it; wants more than 200 samples."""
    edged = np.pad(np.asarray(samples, np.float64), WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(edged, WINDOW)[::HOP]
    count = len(samples) // HOP
    hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(WINDOW) / WINDOW)
    level = np.empty((BANDS, count), np.float64)
    for at in range(0, count, _AT_ONCE):
        part = frames[at : min(at + _AT_ONCE, count)] * hann
        power = np.abs(np.fft.rfft(part, axis=1)) ** 2
        level[:, at : at + len(part)] = np.log10(np.maximum(power @ bands(), _FLOOR)).T
    return np.asarray((np.maximum(level, level.max() - _RANGE) + 4.0) / 4.0, np.float32)


@cache
def bands() -> NDArray[np.float64]:
    """`(201, 80)` triangular bands on Slaney's mel scale, each of unit area.

    Slaney, Auditory Toolbox (1998): linear to 1000 Hz (200/3 Hz a mel), then 27 steps for a factor 6.4.
    """
    top = 15.0 + 27.0 * np.log(_HIGH_HZ / 1000.0) / np.log(6.4)
    mels = np.linspace(0.0, top, BANDS + 2)
    edges = np.where(mels < 15.0, mels * 200.0 / 3.0, 1000.0 * 6.4 ** ((mels - 15.0) / 27.0))
    bins = np.fft.rfftfreq(WINDOW, 1.0 / SAMPLE_RATE)[:, None]
    rising = (bins - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - bins) / np.diff(edges)[1:]
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)) * 2.0 / (edges[2:] - edges[:-2]))
