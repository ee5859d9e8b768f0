"""Viseme weights to articulation curves, one row per video frame, as a stream.

The one job: co-articulation. Each curve is the dominance-weighted, gaussian-smoothed mean of the visemes'
targets (Cohen and Massaro 1993); closed lips then hold the jaw, and a closure that falls between two video
frames is pulled into the nearest one. It knows the tables and the clock, nothing of sound or pictures.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lipsync_core.builtin.viseme.melspec import SAMPLE_RATE
from lipsync_core.builtin.viseme.network import STEP_SAMPLES
from lipsync_core.builtin.viseme.targets import CURVES, DOMINANCE, SIGMA, TARGETS, VISEMES

Rows = NDArray[np.float64]

STEP = Fraction(STEP_SAMPLES, SAMPLE_RATE)
"""Seconds between two rows of weights (20 ms)."""
STEPS_AHEAD = 3
"""Steps of the smoothing kernels in the future (60 ms); the network is trained through these kernels and so
makes up for what they cut off."""
STEPS_BACK = math.ceil(3 * max(SIGMA.values()) / STEP)
LEAD = Fraction(0)
"""Seconds by which the mouth moves before the sound. Within sentences both come together: between 20 ms
before and 70 ms after (Schwartz and Savariaux, PLoS Computational Biology 10, 2014). What comes before the
first word is the encoder's row of parted lips."""

PRESS_GAIN, PRESS_ONSET = 1.35, 0.25
"""Smoothed closures are sharpened: 1.35 x - 0.25, rescaled to 0..1, so that a short one still closes."""
TUCK_GAIN = 1.25
CLOSING = 1.25
"""Lips count as fully closed from press = 1 / 1.25."""
CLOSED_JAW, TUCKED_JAW = 0.97, 0.72
"""How much of the jaw's opening full closure and a full lip tuck take away."""
SHARPNESS = 1.5
"""Power that the weights are raised to where they open and shape the mouth: what the network is least sure of
counts least. Closures are made of the weights as they are."""
LOUDNESS_SIGMA = 0.05
CATCH = 0.75
"""A closure between two frames: the frame is moved this far towards the closed pose ..."""
CATCH_FROM, CATCH_FULL = 0.3, 0.5
"""... growing with the press between these two."""

JAW, WIDE, PUCKER, UP, LOW, PRESS, TUCK, TONGUE = range(len(CURVES))
CLOSURES = np.isin(np.arange(len(CURVES)), (PRESS, TUCK))
REST: Rows = np.zeros(len(CURVES))
"""The mouth at rest."""


def lookahead(fps: Fraction) -> Fraction:
    """Seconds of weights after a frame's time that its row depends on."""
    return LEAD + max(STEP, 1 / (2 * fps)) + STEPS_AHEAD * STEP


def kernels() -> Rows:
    """Gaussian weights of the steps -STEPS_BACK .. STEPS_AHEAD, (steps, 8)."""
    seconds = np.arange(-STEPS_BACK, STEPS_AHEAD + 1) * float(STEP)
    sigma = np.asarray([SIGMA[name] for name in CURVES])
    return np.asarray(np.exp(-0.5 * (seconds[:, None] / sigma) ** 2))


def settle(curves: Rows) -> Rows:
    """What the curves do to each other: (8,) smoothed means -> (8,) pose. Works on (n, 8) as well."""
    pose = np.array(curves, np.float64)
    press = np.clip(pose[..., PRESS] * PRESS_GAIN, 0, 1)
    press = np.maximum(press - PRESS_ONSET, 0) / (1 - PRESS_ONSET)
    tuck = np.clip(pose[..., TUCK] * TUCK_GAIN, 0, 1)
    closed = np.minimum(press * CLOSING, 1)
    pose[..., JAW] *= (1 - CLOSED_JAW * closed) * (1 - TUCKED_JAW * tuck)
    pose[..., UP] *= 1 - closed
    pose[..., LOW] *= 1 - closed
    pose[..., PRESS] = press
    pose[..., TUCK] = tuck * (1 - closed)
    return pose


def _soften(pose: Rows, loudness: float) -> None:
    """Quiet speech moves less: the jaw in proportion, the lips partly. In place."""
    pose[JAW] *= loudness
    pose[UP] *= 0.5 + 0.5 * min(loudness, 1.0)
    pose[LOW] *= min(1.0, 0.4 + 0.6 * loudness)


class ArticulationStream:
    """Weights of 20 ms steps in, rows at `fps` out; nothing depends on how the steps are chunked."""

    def __init__(self, fps: Fraction) -> None:
        self._fps = fps
        self._kernels = kernels()
        seconds = np.arange(-STEPS_BACK, STEPS_AHEAD + 1) * float(STEP)
        window = np.exp(-0.5 * (seconds / LOUDNESS_SIGMA) ** 2)
        self._loudness_kernel = window / window.sum()
        size = STEPS_BACK + STEPS_AHEAD
        silence = np.zeros(len(VISEMES))
        silence[0] = 1.0
        self._weighted = DOMINANCE * TARGETS
        self._numerators = [silence @ self._weighted] * size
        self._denominators = [silence @ DOMINANCE] * size
        self._loudness = [0.0] * size
        self._weights: list[Rows] = []
        self._poses: list[Rows] = []
        self._first = 0
        self._frame = 0

    def push(self, weights: NDArray[np.float32], loudness: NDArray[np.float64]) -> Rows:
        """(k, 15) weights and (k,) loudness 0..1.1 of the next steps -> (n, 23) rows now certain."""
        for step, loud in zip(weights.astype(np.float64), loudness, strict=True):
            self._weights.append(step)
            self._add_step(step, float(loud))
        rows = []
        while (row := self._next_row()) is not None:
            rows.append(row)
        self._forget()
        return np.asarray(rows) if rows else np.zeros((0, len(VISEMES) + len(CURVES)))

    def _add_step(self, weights: Rows, loudness: float) -> None:
        sharp = weights**SHARPNESS
        by_curve = np.where(CLOSURES, weights[:, None], (sharp / sharp.sum())[:, None])
        self._numerators.append((by_curve * self._weighted).sum(0))
        self._denominators.append((by_curve * DOMINANCE).sum(0))
        self._loudness.append(loudness)
        above = (np.asarray(self._numerators) * self._kernels).sum(0)
        below = (np.asarray(self._denominators) * self._kernels).sum(0)
        pose = settle(above / below)
        _soften(pose, float((np.asarray(self._loudness) * self._loudness_kernel).sum()))
        del self._numerators[0], self._denominators[0], self._loudness[0]
        self._poses.append(pose)

    def _next_row(self) -> Rows | None:
        """The next frame's row, or None while steps are missing."""
        time = Fraction(self._frame) / self._fps + LEAD
        half = 1 / (2 * self._fps)
        first = math.ceil((time - half) / STEP)
        last = math.ceil((time + half) / STEP) - 1
        low = math.floor(time / STEP)
        # Pose i was finished by step i + STEPS_AHEAD: the list starts STEPS_AHEAD steps early.
        if self._first + len(self._poses) - STEPS_AHEAD <= max(low + 1, last):
            return None
        part = float(time / STEP - low)
        pose = (1 - part) * self._pose(low) + part * self._pose(low + 1)
        weights = (1 - part) * self._weight(low) + part * self._weight(low + 1)
        for index in range(max(first, 0), last + 1):
            closed = self._pose(index)
            if closed[PRESS] > pose[PRESS]:
                share = (closed[PRESS] - CATCH_FROM) / (CATCH_FULL - CATCH_FROM)
                pose = pose + CATCH * min(max(share, 0.0), 1.0) * (closed - pose)
        self._frame += 1
        return np.concatenate([weights, pose])

    def _pose(self, step: int) -> Rows:
        return self._poses[step + STEPS_AHEAD - self._first]

    def _weight(self, step: int) -> Rows:
        return self._weights[step - self._first]

    def _forget(self) -> None:
        """Drop the steps that no later frame looks at."""
        time = Fraction(self._frame) / self._fps + LEAD - 1 / (2 * self._fps)
        done = max(0, min(math.floor(time / STEP) - self._first - 1, len(self._weights) - 1))
        del self._weights[:done], self._poses[:done]
        self._first += done
