"""SyncTalk_2D's mel front end, streaming: Wav2Lip's formula, but the sound stands in silence.

SyncTalk_2D calls a librosa that fills up with zeros at both ends, where Wav2Lip's reflects. So column c,
centred on sample 200 c, exists for every c; those that hear nothing of the sound are digital silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.voice.mel import BANDS, HOP, PRE_EMPHASIS, SAMPLE_RATE, SILENT, WINDOW, mel_bands

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.records import Samples

    Columns = NDArray[np.float32]
    """`(n, 80)` in -4..4."""

COLUMNS_A_SECOND = SAMPLE_RATE // HOP
HALF = WINDOW // 2
EARLY = HALF // HOP - 1
"""Columns before column 0 that hear something of the sound."""
_LATE = HALF // HOP
"""Columns after the last sample's that do."""


class MelColumns:
    """One voice; holds 50 ms of sound."""

    def __init__(self) -> None:
        self._before = 0.0  # last raw sample, for pre-emphasis
        self._sound = np.zeros(HALF + EARLY * HOP)  # emphasised; begins where the next column does
        self._hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(WINDOW) / WINDOW)
        self._bands = mel_bands()

    def push(self, samples: Samples) -> Columns:
        """More sound; the columns that are now final, from column -EARLY on."""
        raw = np.asarray(samples, np.float64)
        if len(raw):
            emphasised = raw - PRE_EMPHASIS * np.concatenate([[self._before], raw[:-1]])
            self._before = float(raw[-1])
            self._sound = np.concatenate([self._sound, emphasised])
        count = (len(self._sound) - WINDOW) // HOP + 1
        if count <= 0:
            return np.zeros((0, BANDS), np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(self._sound, WINDOW)[::HOP][:count]
        magnitude = np.abs(np.fft.rfft(frames * self._hann, axis=1))
        self._sound = self._sound[count * HOP :]
        level = 20.0 * np.log10(np.maximum(1e-5, magnitude @ self._bands)) - 20.0
        return np.asarray(np.clip(8.0 * (level + 100.0) / 100.0 - 4.0, -4.0, 4.0), np.float32)

    def flush(self) -> Columns:
        """The last columns of the sound, and a silent one."""
        # Zeros after the emphasis, as the STFT fills up, not a step down to zero before it.
        self._before = 0.0
        return self.push(np.zeros((_LATE + 1) * HOP + HALF, np.float32))


def whole(sound: Samples) -> Columns:
    """`(1 + n // 200, 80)` of a whole sound, as many as librosa gives."""
    columns = MelColumns()
    found = np.concatenate([columns.push(sound), columns.flush()])
    return found[EARLY : EARLY + 1 + len(sound) // HOP]


def silent(count: int) -> Columns:
    """Columns of digital silence."""
    return np.full((count, BANDS), SILENT, np.float32)
