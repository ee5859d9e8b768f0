"""How loud the voice is against its own loud moments, every 20 ms, as a stream.

The one job: a factor that opens the mouth wider on stressed syllables and keeps it shut in noise. It compares
the level with a running peak, so it needs no second pass and no calibrated microphone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipsync_core.builtin.viseme.melspec import Array
from lipsync_core.builtin.viseme.network import STEP_SAMPLES

REACH = 480
"""Samples on either side of a step that its level is measured over (30 ms)."""
QUIETEST_PEAK = -45.0
"""dBFS. A voice whose loud moments are below this is treated as noise."""
PEAK_FALL = 0.06
"""dB a step (3 dB a second) that the running peak falls while sound is within RANGE of it."""
HEADROOM = 4.0
"""dB that the usual loud syllable lies below the running peak."""
SILENT_AT, RANGE = -36.0, 16.0
"""dB against a loud syllable where the factor begins to rise from 0, and over which it reaches 1. Chosen on
the validation clips: a wider range costs jaw correlation (0.8235 at -32 and 26, 0.8267 at -36 and 16)."""
LOUDEST = 1.1


class LoudnessStream:
    """Pushes samples, gives one factor 0..LOUDEST per step; any chunking gives the same bits."""

    def __init__(self) -> None:
        self._pending = np.zeros(REACH, np.float32)
        self._peak = QUIETEST_PEAK

    def push(self, samples: Array) -> NDArray[np.float64]:
        """Samples float32 (n,) -> factors (k,) of the steps whose surroundings are complete."""
        pending = np.concatenate([self._pending, samples])
        count = max(0, 1 + (len(pending) - 2 * REACH) // STEP_SAMPLES)
        self._pending = pending[count * STEP_SAMPLES :].copy()
        if count == 0:
            return np.zeros(0)
        windows = np.lib.stride_tricks.sliding_window_view(pending, 2 * REACH)
        power = (windows[::STEP_SAMPLES][:count].astype(np.float64) ** 2).mean(1)
        return np.asarray([self._factor(level) for level in 10 * np.log10(power + 1e-12)])

    def _factor(self, level: float) -> float:
        if level > self._peak + SILENT_AT:
            self._peak -= PEAK_FALL
        self._peak = max(self._peak, level, QUIETEST_PEAK)
        above_silence = level - (self._peak - HEADROOM + SILENT_AT)
        return min(max(above_silence / RANGE, 0.0), LOUDEST)
