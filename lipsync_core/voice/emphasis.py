"""Emphasis: how head and brows go with the voice, for each video frame.

People nod and lift their brows on stressed syllables, and hold still in pauses (Graf et al., "Visual
prosody: facial movements accompanying speech", FG 2002; Munhall et al., "Visual prosody and speech
intelligibility", Psychological Science 15, 2004). A stressed syllable is heard here as a peak of loudness
that stands out from the syllables before.
"""

from __future__ import annotations

from collections import deque
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lipsync_core.records import Samples

__all__ = ["LOOKAHEAD", "REST", "SAMPLE_RATE", "EmphasisStream"]

SAMPLE_RATE = 16_000
"""Hz."""
STEP = 320
"""Samples between two levels (20 ms)."""
AROUND = 5
"""Steps on either side of a peak that are lower (100 ms): syllables are about 200 ms apart."""
_SMOOTH = np.array([1.0, 3.0, 4.0, 3.0, 1.0]) / 12.0
"""Weights of the levels around a step: what is shorter than a syllable is no peak."""
QUIETEST = -50.0
"""dBFS. Nothing below is speech."""
NEAR_PEAK = 14.0
"""dB below the running peak that a syllable may be and still count."""
PEAK_FALL = 3.0 * STEP / SAMPLE_RATE
"""dB a step that the running peak falls (3 dB a second)."""
MEMORY = 0.8
"""Share of the earlier syllables in their running mean."""
LEAST, FULL = -1.0, 4.0
"""dB over the mean of the syllables before, at which emphasis begins and is full."""
NOD_EVERY, LIFT_EVERY = 0.4, 1.5
"""Seconds between two nods, and between two lifts, at least."""
LIFTS = 0.55
"""Emphasis from which on the brows are lifted as well."""
BEFORE = 0.04
"""Seconds by which the movement begins before the peak of loudness."""
NOD = (0.2, 0.0, 0.35)
LIFT = (0.2, 0.25, 0.5)
"""Seconds that a movement grows, is held and goes back."""
LOOKAHEAD = (AROUND + len(_SMOOTH) // 2 + 1) * STEP / SAMPLE_RATE + BEFORE
"""Seconds of sound after a frame's time that decide about it at the most (0.2)."""
REST: NDArray[np.float32] = np.zeros(2, np.float32)
"""Nod and lift of somebody who is silent."""


class EmphasisStream:
    """Rows `(2,)` of nod and lift, 0..1, streaming like an audio encoder.

    Args:
        fps: video frames a second.
    """

    def __init__(self, fps: Fraction) -> None:
        self._fps = fps
        self._pending = np.zeros(0, np.float32)
        self._samples = self._given = self._steps = 0
        reach = AROUND + len(_SMOOTH) // 2
        self._levels: deque[float] = deque([QUIETEST] * (2 * reach), maxlen=2 * reach + 1)
        self._peak = QUIETEST
        self._mean: float | None = None
        self._nods: list[tuple[float, float]] = []
        self._lifts: list[tuple[float, float]] = []

    def push(self, samples: Samples) -> NDArray[np.float32]:
        """Take 16 kHz mono sound; give `(n, 2)` rows of the frames that are now certain."""
        self._samples += len(samples)
        self._hear(np.concatenate([self._pending, samples.astype(np.float32)]))
        # The newest step decides about the one `reach` before it, and a movement begins before its peak.
        reach = AROUND + len(_SMOOTH) // 2
        return self._rows((self._steps - reach) * STEP / SAMPLE_RATE - BEFORE)

    def flush(self) -> NDArray[np.float32]:
        """End of the voice: the remaining rows, ceil(duration * fps) in all."""
        self._hear(np.concatenate([self._pending, np.zeros(SAMPLE_RATE, np.float32)]))
        return self._rows(float("inf"))

    def _hear(self, sound: Samples) -> None:
        count = len(sound) // STEP
        for window in sound[: count * STEP].reshape(count, STEP):
            power = float(np.mean(np.square(window, dtype=np.float64)))
            self._step(max(QUIETEST, 10.0 * float(np.log10(power + 1e-12))))
        self._pending = sound[count * STEP :]

    def _step(self, level: float) -> None:
        """One more level; decides whether the one in the middle of those held is a peak."""
        self._levels.append(level)
        self._peak = max(self._peak - PEAK_FALL, level, QUIETEST)
        held = np.convolve(np.asarray(self._levels), _SMOOTH, "valid")
        middle = float(held[AROUND])
        time = (self._steps - AROUND - len(_SMOOTH) // 2 + 0.5) * STEP / SAMPLE_RATE
        self._steps += 1
        first = bool((held[:AROUND] < middle).all() and (held[AROUND + 1 :] <= middle).all())
        if first and middle > max(self._peak - NEAR_PEAK, QUIETEST + 5.0):
            self._syllable(time, middle)

    def _syllable(self, time: float, level: float) -> None:
        usual = level if self._mean is None else self._mean
        self._mean = MEMORY * usual + (1 - MEMORY) * level
        strength = float(np.clip((level - usual - LEAST) / (FULL - LEAST), 0.0, 1.0))
        if strength <= 0:
            return
        if not self._nods or time - self._nods[-1][0] >= NOD_EVERY:
            self._nods.append((time, strength))
        if strength >= LIFTS and (not self._lifts or time - self._lifts[-1][0] >= LIFT_EVERY):
            self._lifts.append((time, strength))

    def _rows(self, certain: float) -> NDArray[np.float32]:
        rows: list[tuple[float, float]] = []
        while True:
            time = float(self._given / self._fps)
            if time > certain or self._given * SAMPLE_RATE >= self._samples * self._fps:
                break
            rows.append((_shown(self._nods, time, NOD), _shown(self._lifts, time, LIFT)))
            self._given += 1
        now = float(self._given / self._fps)
        self._nods = [n for n in self._nods if now - n[0] < sum(NOD)] or self._nods[-1:]
        self._lifts = [n for n in self._lifts if now - n[0] < sum(LIFT)] or self._lifts[-1:]
        return np.array(rows, np.float32).reshape(-1, 2)


def _shown(
    moves: list[tuple[float, float]], time: float, shape: tuple[float, float, float]
) -> float:
    """How far a movement has gone at a time, 0..1; the farthest of those that overlap."""
    grow, hold, back = shape
    shown = 0.0
    for peak, strength in moves:
        since = time - peak + BEFORE
        part = min(since / grow, 1.0 - (since - grow - hold) / back, 1.0)
        if part > 0:
            shown = max(shown, strength * part * part * (3.0 - 2.0 * part))
    return shown
