"""Running normalisation of log-mel frames: level, spectral tilt and contrast of the talker taken out.

The one job: what utterance normalisation does offline, done causally, so that live and offline are the same
bits and a recording needs no second pass. The statistics start from a prior (an average voice at the level
just heard), grow with every speech-like frame and forget slowly. Statistics and their use are apart, because
the network normalises all frames it looks at by the newest statistics (`network.py`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipsync_core.builtin.viseme.melspec import BANDS, SILENT_FRAME, Array

Statistics = NDArray[np.float64]

_KNOTS = np.linspace(0, BANDS - 1, 10)
PRIOR_SHAPE: Statistics = np.interp(
    np.arange(BANDS), _KNOTS, (1.2, 3.7, 1.9, 0.6, -0.3, -0.5, -0.9, -1.6, -2.2, -2.6)
)
"""Mean log-mel of active frames against their mean over bands: an average voice, from the training speech."""
PRIOR_DEVIATION: Statistics = np.interp(
    np.arange(BANDS), _KNOTS, (2.0, 2.9, 2.7, 2.4, 2.2, 2.0, 1.8, 1.7, 1.6, 1.6)
)
"""Standard deviation of the same frames, ln units."""
PRIOR_GAP = 2.6
"""How far the mean active frame lies below the loudest one, ln units."""

FIRST_PEAK, QUIETEST_PEAK = -4.5, -8.0
"""Mean log-mel of the loudest frame: assumed before any voice (speech peaking near -15 dBFS), and the
lowest it falls to (near -30 dBFS)."""
ACTIVE_RANGE = 5.5
"""Frames less than this below the peak are speech: ln power, 24 dB."""
PEAK_DECAY_ACTIVE, PEAK_DECAY_IDLE = 0.003, 0.0002
"""Fall of the peak per frame, ln units: 1.3 dB a second while someone speaks, hardly in a pause."""
LEVEL_WEIGHT = 10.0
"""Frames of evidence that the prior level is worth (0.1 s)."""
SHAPE_WEIGHT: Statistics = np.full(BANDS, 200.0)
"""Frames of evidence that the prior shape is worth: 2 s, as a few words are no fair sample of a voice ..."""
SHAPE_WEIGHT[:3] = SHAPE_WEIGHT[54:] = 40.0
"""... but 0.4 s below 150 Hz and above 5 kHz, where rumble and low-passes decide and not the voice."""
MEMORY = 600.0
"""Frames of speech after which evidence has faded to 1/e (6 s)."""
QUIETER_COUNTS_LESS = 0.7
"""When the peak rises by x, earlier evidence keeps exp(-0.7 x): noise before the voice hardly counts."""
DEVIATION_FLOOR = 0.6
CLIP_LOW, CLIP_HIGH = -5.0, 3.0


class RunningStatistics:
    """Hears frame after frame, says mean and deviation; with `batch` many voices at once (training).

    Args:
        batch: shape in front of the bands, () for one voice.
        shape_weight: SHAPE_WEIGHT, or what an earlier stage of training took for it.
    """

    def __init__(
        self, batch: tuple[int, ...] = (), shape_weight: float | Statistics = SHAPE_WEIGHT
    ) -> None:
        self._shape_weight = shape_weight
        self._peak = np.full((*batch, 1), FIRST_PEAK)
        self._count = np.zeros((*batch, 1))
        self._sum = np.zeros((*batch, BANDS))
        self._squares = np.zeros((*batch, BANDS))

    def step(self, frame: Array) -> Array:
        """One log-mel frame (*batch, BANDS) -> (2, *batch, BANDS), mean and deviation, it included."""
        values = frame.astype(np.float64)
        level = values.mean(-1, keepdims=True)
        active = level > self._peak - ACTIVE_RANGE
        peak = np.maximum(level, self._peak)
        keep = np.where(active, 1.0 - 1.0 / MEMORY, 1.0)
        keep = keep * np.exp(QUIETER_COUNTS_LESS * (self._peak - peak))
        decay = np.where(active, PEAK_DECAY_ACTIVE, PEAK_DECAY_IDLE)
        self._peak = np.maximum(peak - decay, QUIETEST_PEAK)
        self._count = self._count * keep + active
        self._sum = self._sum * keep + active * values
        self._squares = self._squares * keep + active * values * values

        count, weight = self._count, self._shape_weight
        total = self._sum.mean(-1, keepdims=True)
        base = (LEVEL_WEIGHT * (peak - PRIOR_GAP) + total) / (LEVEL_WEIGHT + count)
        shape = (weight * PRIOR_SHAPE + self._sum - total) / (weight + count)
        spread = self._squares - self._sum * self._sum / np.maximum(count, 1e-6)
        spread = weight * PRIOR_DEVIATION**2 + np.maximum(spread, 0.0)
        deviation = np.maximum(np.sqrt(spread / (weight + count)), DEVIATION_FLOOR)
        return np.stack([base + shape, deviation]).astype(np.float32)

    def push(self, frames: Array) -> Array:
        """Consecutive frames (t, *batch, BANDS) -> the statistics after each, (t, 2, *batch, BANDS)."""
        result = np.empty((len(frames), 2, *frames.shape[1:]), np.float32)
        for i, frame in enumerate(frames):
            result[i] = self.step(frame)
        return result


def normalise(frames: Array, mean: Array, deviation: Array) -> Array:
    """Log-mel frames by statistics that fit their shape -> float32, CLIP_LOW..CLIP_HIGH."""
    return np.asarray(((frames - mean) / deviation).clip(CLIP_LOW, CLIP_HIGH), np.float32)


def idle_statistics() -> Array:
    """The statistics after digital silence, before any voice, (2, BANDS)."""
    return RunningStatistics().step(SILENT_FRAME)


def idle_frame() -> Array:
    """What digital silence normalises to before any voice, (BANDS,)."""
    return normalise(SILENT_FRAME, *idle_statistics())
