"""13 MFCCs a hundredth of a second, streaming, with the numbers of python_speech_features.

The definition is that package's (0.6) with its defaults, on 16-bit samples at 16 kHz: pre-emphasis 0.97, 400
samples every 160 without a window function, the power of 512 bins, 26 triangles on the mel scale
2595 log10(1 + f / 700) with corners at whole bins, natural logarithm, orthonormal DCT-II, lifter 22, and the
logarithm of the whole energy in place of the first coefficient.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.records import Samples

SAMPLE_RATE, HOP, WINDOW, BINS, BANDS, COEFFICIENTS = 16_000, 160, 400, 512, 26, 13
PRE_EMPHASIS = 0.97
LIFTER = 22
_TINY = np.finfo(np.float64).eps
"""What a band or a window without any energy counts as."""


class MfccStream:
    """One voice; holds less than a window of sound."""

    def __init__(self) -> None:
        self._before = 0.0  # the last sample, for pre-emphasis
        self._sound = np.zeros(0)  # emphasised, from the next row's first sample on
        self._bands = bands()
        self._dct = _lifted_dct()

    def push(self, samples: Samples) -> NDArray[np.float32]:
        """Take more sound and return its complete rows: row k covers samples 160 k to 160 k + 399.

        Args:
            samples: float32 in -1..1, any number; they are rounded to 16 bits.

        Returns:
            `(n, 13)`, n >= 0.
        """
        whole = np.clip(np.rint(np.asarray(samples, np.float64) * 32768), -32768, 32767)
        if len(whole):
            before = np.concatenate([[self._before], whole[:-1]])
            self._sound = np.concatenate([self._sound, whole - PRE_EMPHASIS * before])
            self._before = float(whole[-1])
        count = max(0, (len(self._sound) - WINDOW) // HOP + 1)
        if not count:
            return np.zeros((0, COEFFICIENTS), np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(self._sound, WINDOW)[::HOP][:count]
        power = np.abs(np.fft.rfft(windows, BINS)) ** 2 / BINS
        self._sound = self._sound[count * HOP :]
        rows = np.log(_some(power @ self._bands.T)) @ self._dct.T
        rows[:, 0] = np.log(_some(power.sum(axis=1)))
        return rows.astype(np.float32)


def bands() -> NDArray[np.float64]:
    """`(26, 257)` triangles from 0 to 8000 Hz, evenly spaced in mel, each 1 at its middle bin."""
    mels = np.linspace(0.0, 2595.0 * math.log10(1.0 + SAMPLE_RATE / 2 / 700.0), BANDS + 2)
    corners = np.floor((BINS + 1) * 700.0 * (10.0 ** (mels / 2595.0) - 1.0) / SAMPLE_RATE)
    low, middle, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    bins = np.arange(BINS // 2 + 1)
    rising, falling = (bins - low) / (middle - low), (high - bins) / (high - middle)
    return np.asarray(np.maximum(0.0, np.where(bins < middle, rising, falling)))


def _lifted_dct() -> NDArray[np.float64]:
    """`(13, 26)`: the first rows of the orthonormal DCT-II, each times its lifter."""
    k, n = np.arange(COEFFICIENTS)[:, None], np.arange(BANDS)
    rows = np.sqrt(2.0 / BANDS) * np.cos(np.pi * k * (2 * n + 1) / (2 * BANDS))
    rows[0] /= math.sqrt(2.0)
    return np.asarray(rows * (1.0 + LIFTER / 2 * np.sin(np.pi * k / LIFTER)))


def _some(energy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Energy with a floor, so that its logarithm exists."""
    return np.where(energy == 0, _TINY, energy)
