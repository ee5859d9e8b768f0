"""Deterministic inputs of the golden files in `tests/data`, and comparison with what they hold.

The files are measurements of the original implementations; `meta` inside each says what ran.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DATA = Path(__file__).parent / "data"


def generator(text: str, seed: int = 1) -> np.random.Generator:
    """The recipe's generator: PCG64 seeded by crc32(text) xor seed."""
    return np.random.Generator(np.random.PCG64((zlib.crc32(text.encode()) ^ seed) & 0xFFFFFFFF))


def wave(name: str, samples: int, rate: int = 16_000) -> NDArray[np.float32]:
    """The recipe's voice: six partials with slow envelopes and noise, as 16-bit numbers over 32768."""
    rng = generator("wave:" + name)
    t = np.arange(samples, dtype=np.float64) / rate
    x = np.zeros(samples)
    for _ in range(6):
        f, phase = rng.uniform(90.0, 3500.0), rng.uniform(0.0, 2 * np.pi)
        loud, slow = rng.uniform(0.03, 0.12), rng.uniform(0.5, 4.0)
        envelope = 0.55 + 0.45 * np.sin(2 * np.pi * slow * t)
        x += loud * np.sin(2 * np.pi * f * t + phase) * envelope
    x += 0.01 * rng.standard_normal(samples)
    return (np.clip(np.round(x * 32767.0), -32768, 32767) / 32768).astype(np.float32)


def worst(file: str, name: str, got: NDArray[np.generic]) -> float:
    """Largest difference between `got` and the stored samples of array `name`; shapes must agree."""
    with np.load(DATA / file, allow_pickle=False) as stored:
        assert tuple(stored[name + "__shape"]) == got.shape
        picked = np.ascontiguousarray(got).reshape(-1)[:: int(stored[name + "__stride"])]
        return float(np.abs(picked.astype(np.float64) - stored[name + "__samples"]).max())
