"""Numbers for comparing two implementations without trained weights: each a function of a name and a shape.

The golden files of this project were measured by running the original implementations with these numbers
(recipe 1). Whoever fills the same layers of the same names with them must get the same results.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["image", "normal", "random", "uniform", "wave", "weights"]


SEED = 1


def random(text: str, seed: int = SEED) -> np.random.Generator:
    """The generator that belongs to a text: PCG64 of crc32(text) xor seed."""
    return np.random.Generator(np.random.PCG64((zlib.crc32(text.encode()) ^ seed) & 0xFFFFFFFF))


def normal(name: str, shape: tuple[int, ...], scale: float = 1.0) -> NDArray[np.float32]:
    """An input of a network, normally distributed with this standard deviation."""
    drawn = random(f"input:{name}").standard_normal(shape, dtype=np.float32)
    return np.float32(scale) * drawn


def uniform(
    name: str, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0
) -> NDArray[np.float32]:
    """An input of a network, evenly distributed from `low` to `high`."""
    drawn = random(f"input:{name}").random(shape, dtype=np.float32)
    return np.float32(low) + np.float32(high - low) * drawn


def image(name: str, height: int, width: int) -> NDArray[np.uint8]:
    """`(height, width, 3)`: blocks of 16 pixels with a little noise, in whole numbers throughout."""
    drawn = random(f"image:{name}")
    blocks = drawn.integers(0, 256, (-(-height // 16), -(-width // 16), 3), dtype=np.int64)
    blocks = blocks.repeat(16, axis=0).repeat(16, axis=1)[:height, :width]
    noise = drawn.integers(0, 256, (height, width, 3), dtype=np.int64)
    return ((blocks * 15 + noise) // 16).astype(np.uint8)


def wave(name: str, samples: int, rate: int = 16_000) -> NDArray[np.float32]:
    """A sound: six partials with slow envelopes and noise, as 16-bit numbers over 32768."""
    drawn = random(f"wave:{name}")
    t = np.arange(samples, dtype=np.float64) / rate
    x = np.zeros(samples)
    for _ in range(6):
        f, phase = drawn.uniform(90.0, 3500.0), drawn.uniform(0.0, 2 * math.pi)
        loud, slow = drawn.uniform(0.03, 0.12), drawn.uniform(0.5, 4.0)
        envelope = 0.55 + 0.45 * np.sin(2 * math.pi * slow * t)
        x += loud * np.sin(2 * math.pi * f * t + phase) * envelope
    x += 0.01 * drawn.standard_normal(samples)
    return (np.clip(np.round(x * 32767.0), -32768, 32767) / 32768).astype(np.float32)


def weights(like: Mapping[str, Any], meta: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """A value for every entry of a state dict.

    Args:
        like: names of the original and anything with a `shape`, for example a torch module's state dict.
        meta: of a golden file: `gain` and `prefix`, perhaps `boosts` (name -> factor) and `seed`.

    Returns:
        Arrays of the same names and shapes: float32, counters int64.
    """
    filled = {}
    for key, entry in like.items():
        value = _weight(key, tuple(int(n) for n in entry.shape), meta)
        if key in meta.get("boosts", {}):
            value = value * np.float32(meta["boosts"][key])
        filled[key] = np.asarray(value)
    return filled


def _weight(key: str, shape: tuple[int, ...], meta: Mapping[str, Any]) -> NDArray[Any]:
    leaf = key.rpartition(".")[2]
    if leaf == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    if key.endswith("pos_encoder.pe"):
        return _interleaved(shape[1], shape[2])[None]
    if key.endswith(("encoder.positional_embedding", "encoder.embed_positions.weight")):
        return _halves(*shape)
    drawn = random(meta.get("prefix", "") + key, meta.get("seed", SEED))
    if leaf == "running_var":
        return np.float32(0.5) + drawn.random(shape, dtype=np.float32)
    z = drawn.standard_normal(shape, dtype=np.float32)
    if leaf == "running_mean":
        return np.float32(0.1) * z
    if len(shape) > 1:
        return np.float32(meta.get("gain", 1.0) / math.sqrt(math.prod(shape[1:]))) * z
    if leaf in ("weight", "g", "scale"):
        return np.float32(1) + np.float32(0.1) * z
    return np.float32(0.05) * z


def _interleaved(length: int, channels: int) -> NDArray[np.float32]:
    """Positions as sines in even columns and cosines in odd ones, base 10000 (Vaswani et al. 2017)."""
    slow = np.exp(np.arange(0, channels, 2) * (-math.log(10000.0) / channels))
    angles = np.arange(length)[:, None] * slow
    return (
        np.stack([np.sin(angles), np.cos(angles)], 2).reshape(length, channels).astype(np.float32)
    )


def _halves(length: int, channels: int) -> NDArray[np.float32]:
    """Positions as Whisper has them: all sines, then all cosines (Radford et al. 2022)."""
    slow = np.exp(np.arange(channels // 2) * (-math.log(10000.0) / (channels // 2 - 1)))
    angles = np.arange(length)[:, None] * slow
    return np.concatenate([np.sin(angles), np.cos(angles)], 1).astype(np.float32)
