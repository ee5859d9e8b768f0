"""Feature-space augmentation of normalised log-mel, a whole batch at once.

It keeps the network from locking on to cues that only synthesis has: every talker gets another vocal tract,
every spectrum another sharpness, and gaps are cut in time and frequency.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipsync_core.builtin.viseme.melspec import BANDS
from lipsync_core.builtin.viseme.normalisation import CLIP_HIGH, CLIP_LOW

Batch = NDArray[np.float32]
"""(b, t, BANDS) normalised log-mel."""


def _curve(rng: np.random.Generator, count: int, size: int, knots: int, scale: float) -> Batch:
    """Smooth random curves (count, size) through normally distributed knots."""
    values = rng.normal(0, scale, (count, knots))
    position = np.linspace(0, knots - 1.001, size)
    low = position.astype(int)
    part = position - low
    between = values[:, low] * (1 - part) + values[:, low + 1] * part
    return np.asarray(between, np.float32)


def _vocal_tract(mel: Batch, rng: np.random.Generator) -> Batch:
    scale = np.where(rng.random(len(mel)) < 0.6, rng.uniform(0.88, 1.13, len(mel)), 1.0)
    position = (np.arange(BANDS) * scale[:, None]).clip(0, BANDS - 1)
    low = position.astype(int)
    high = np.minimum(low + 1, BANDS - 1)
    part = (position - low)[:, None, :].astype(np.float32)
    first = np.take_along_axis(mel, low[:, None, :], 2)
    second = np.take_along_axis(mel, high[:, None, :], 2)
    return np.asarray(first + (second - first) * part, np.float32)


def _sharpness(mel: Batch, rng: np.random.Generator) -> Batch:
    """Blur the spectrum (broad formants), or sharpen it by the same amount."""
    sign = rng.choice((0.0, 1.0, -1.0), len(mel), p=(0.7, 0.2, 0.1))
    amount = (sign * rng.uniform(0, 0.25, len(mel))).astype(np.float32)
    difference = np.zeros_like(mel)
    difference[:, :, 1:-1] = mel[:, :, :-2] + mel[:, :, 2:] - 2 * mel[:, :, 1:-1]
    return np.asarray(mel + difference * amount[:, None, None], np.float32)


def _decay(mel: Batch, rng: np.random.Generator) -> Batch:
    """No band falls faster than a room lets it: running maximum of a falling line."""
    chosen = rng.random(len(mel)) < 0.1
    slope = rng.uniform(0.2, 0.7, (int(chosen.sum()), 1, 1)).astype(np.float32)
    ramp = slope * np.arange(mel.shape[1], dtype=np.float32)[None, :, None]
    mel[chosen] = np.maximum.accumulate(mel[chosen] + ramp, axis=1) - ramp
    return mel


def _noise_floor(mel: Batch, rng: np.random.Generator) -> Batch:
    chosen = rng.random(len(mel)) < 0.2
    count, size = int(chosen.sum()), mel.shape[1]
    floor = rng.uniform(-3.5, -1.2, (count, 1, 1)).astype(np.float32)
    floor = floor + _curve(rng, count, BANDS, 5, 0.5)[:, None, :]
    floor = floor + _curve(rng, count, size, 6, 0.3)[:, :, None]
    floor = floor + 0.25 * rng.standard_normal((count, size, BANDS), dtype=np.float32)
    mel[chosen] = np.maximum(mel[chosen], floor)
    return mel


def _masks(mel: Batch, rng: np.random.Generator) -> Batch:
    for item in mel:
        if rng.random() < 0.6:
            first = rng.integers(0, BANDS - 8)
            item[:, first : first + rng.integers(1, 9)] = rng.normal(0, 0.5)
        if rng.random() < 0.3:
            first = rng.integers(0, len(item) - 8)
            item[first : first + rng.integers(1, 7)] = rng.normal(-1, 0.5)
    return mel


def _edges(mel: Batch, rng: np.random.Generator) -> Batch:
    """Hum, rumble and low-passes that the running statistics do not know yet."""
    for item in mel:
        if rng.random() < 0.35:
            item[:, : rng.integers(1, 5)] += rng.normal(0, 1.5)
        if rng.random() < 0.35:
            item[:, BANDS - rng.integers(3, 15) :] += rng.uniform(-3.5, 1.0)
    return mel


def perturb(mel: Batch, rng: np.random.Generator, edges: bool) -> Batch:
    """A new, differently distorted batch of the same shape."""
    count, size = mel.shape[:2]
    mel = _sharpness(_vocal_tract(mel, rng), rng)
    mel = _noise_floor(_decay(mel, rng), rng)
    mel *= rng.uniform(0.9, 1.12, (count, 1, 1)).astype(np.float32)
    mel += _curve(rng, count, BANDS, 7, 0.25)[:, None, :]
    mel += _curve(rng, count, size, max(3, size // 60), 0.15)[:, :, None]
    if edges:
        mel = _edges(mel, rng)
    level = rng.uniform(0.02, 0.15, (count, 1, 1)).astype(np.float32)
    mel += level * rng.standard_normal(mel.shape, dtype=np.float32)
    return np.asarray(_masks(mel, rng).clip(CLIP_LOW, CLIP_HIGH), np.float32)
