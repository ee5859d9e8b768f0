"""The outline of a sound for plots: the loudest sample of each column, whatever its length."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipsync_core.media.sound import read_mono
from lipsync_core.media.sound_info import SoundInfo
from lipsync_core.records import Samples

_RATE = 8000
_PER_SECOND = 100
_COLUMNS = 2000


def waveform(sound: SoundInfo | Path) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """The outline of a sound, in some 2000 columns at the most.

    Returns:
        `(n,)` seconds at which each column begins, and `(n,)` its largest absolute sample.
    """
    loud = loudest(read_mono(sound, _RATE), _RATE // _PER_SECOND)
    step = max(1, -(-len(loud) // _COLUMNS))
    loud = np.pad(loud, (0, -len(loud) % step)).reshape(-1, step).max(1)
    return np.arange(len(loud)) * step / _PER_SECOND, loud


def loudest(pieces: Iterable[Samples], every: int) -> NDArray[np.float32]:
    """Largest absolute value of every `every` samples, from pieces of any length; never all in memory."""
    peaks: list[NDArray[np.float32]] = []
    left: NDArray[np.float32] = np.zeros(0, np.float32)
    for piece in pieces:
        left = np.concatenate([left, np.abs(piece)])
        whole = len(left) - len(left) % every
        peaks.append(left[:whole].reshape(-1, every).max(1))
        left = left[whole:]
    if len(left):
        peaks.append(left.max(keepdims=True))
    return np.concatenate(peaks) if peaks else left
