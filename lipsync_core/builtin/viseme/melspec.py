"""Streaming log-mel spectrogram and its running normalisation.

The one job: turn samples into the 64 numbers per 10 ms that the viseme network was trained on, with the
same bits whatever the sizes of the pushes. Training imports this module, so what is trained is what runs.
It knows nothing of visemes, frames of video or models.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

SAMPLE_RATE = 16000
HOP = 160
"""Samples between two mel frames (10 ms). Frame t is centred on sample t * HOP."""
WINDOW = 400
"""Samples under one Hann window (25 ms)."""
FFT_SIZE = 512
BANDS = 64
LOW_HZ, HIGH_HZ = 60.0, 7600.0
POWER_FLOOR = 1e-7
"""Added before the logarithm: digital silence becomes ln(1e-7) = -16.1."""
SILENT_FRAME: Array = np.full(BANDS, np.log(POWER_FLOOR), np.float32)
"""The frame that digital silence gives."""


def _mel(hz: float) -> float:
    """HTK mel scale, 2595 log10(1 + f/700) (Young et al., The HTK Book, section 5.6)."""
    return float(2595.0 * np.log10(1.0 + hz / 700.0))


def mel_filters() -> NDArray[np.float32]:
    """Triangular filters of unit area, shape (BANDS, FFT_SIZE // 2 + 1)."""
    edges = 700.0 * (10.0 ** (np.linspace(_mel(LOW_HZ), _mel(HIGH_HZ), BANDS + 2) / 2595.0) - 1.0)
    hz = np.fft.rfftfreq(FFT_SIZE, 1.0 / SAMPLE_RATE)
    rows = []
    for low, centre, high in zip(edges, edges[1:], edges[2:], strict=False):
        row = np.minimum((hz - low) / (centre - low), (high - hz) / (high - centre)).clip(0.0)
        rows.append(row / max(row.sum(), 1e-6))
    return np.asarray(rows, np.float32)


class LogMel:
    """Pushes samples, gives log-mel frames; any chunking gives the same bits.

    The filter bank is applied as a gather and `np.add.reduceat` over each filter's few bins: it is 4 times
    faster than the dense product, and unlike BLAS its sums do not depend on how many frames come at once.
    """

    def __init__(self) -> None:
        filters = mel_filters()
        bins = [np.flatnonzero(row) for row in filters]
        self._bins = np.concatenate(bins)
        self._weights = np.concatenate([row[b] for row, b in zip(filters, bins, strict=True)])
        self._starts = np.cumsum([0] + [len(b) for b in bins[:-1]])
        self._window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
        self._pending = np.zeros(WINDOW // 2, np.float32)

    def push(self, samples: Array) -> Array:
        """Samples float32 (n,) in -1..1 at 16 kHz -> the (k, BANDS) float32 frames now complete.

        Frame t needs the samples up to t * HOP + WINDOW / 2.
        """
        pending = np.concatenate([self._pending, samples.astype(np.float32, copy=False)])
        count = max(0, 1 + (len(pending) - WINDOW) // HOP)
        self._pending = pending[count * HOP :].copy()
        if count == 0:
            return np.zeros((0, BANDS), np.float32)
        slices = np.lib.stride_tricks.sliding_window_view(pending, WINDOW)[::HOP][:count]
        spectrum = np.fft.rfft(slices * self._window, FFT_SIZE, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        bands = np.add.reduceat(power[:, self._bins] * self._weights, self._starts, axis=1)
        return np.log(bands + np.float32(POWER_FLOOR)).astype(np.float32, copy=False)


def log_mel(samples: Array) -> Array:
    """Whole signal -> (1 + (n - WINDOW / 2) // HOP, BANDS), the frames one big push gives."""
    return LogMel().push(samples)
