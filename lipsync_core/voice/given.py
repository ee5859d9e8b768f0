"""Sound in arrays that others hand over, as the engine's samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_core.errors import UsageError
from lipsync_core.records import Samples

__all__ = ["as_samples"]

_SCALES = {"int16": (0.0, 2.0**15), "int32": (0.0, 2.0**31), "uint8": (128.0, 128.0)}
"""Of PCM types: the value of silence, and full scale."""
_LARGEST = 1e9
"""Floats beyond this are no sound."""
_FLOATS = ("float32", "float64")


def as_samples(given: NDArray[Any]) -> Samples:
    """Return sound as float32 `(n,)` in -1..1.

    Args:
        given: `(n,)` mono: float32 or float64 in -1..1 (what is no number becomes silence), or int16, int32
            or uint8 over their whole range.

    Raises:
        UsageError: another shape or type.
    """
    sound = np.asarray(given)
    if sound.ndim != 1:
        raise UsageError(
            f"Sound of shape {sound.shape} was pushed.",
            "Push mono, shape (n,): of several channels their mean, such as sound.mean(axis=1).",
        )
    name = sound.dtype.name
    if name in _FLOATS:
        return np.where(np.abs(sound) < _LARGEST, sound, 0).astype(np.float32)
    if name not in _SCALES:
        raise UsageError(
            f"Sound of type {name} was pushed.",
            f"Push one of {', '.join([*_FLOATS, *_SCALES])}; full scale of floats is 1.",
        )
    middle, full = _SCALES[name]
    return ((sound.astype(np.float64) - middle) / full).astype(np.float32)
