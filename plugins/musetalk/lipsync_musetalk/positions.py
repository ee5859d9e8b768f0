"""The table of positions that MuseTalk adds to the audio tokens: computed, in no checkpoint."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BASE = 10_000.0


def table(tokens: int, width: int) -> NDArray[np.float32]:
    """`(tokens, width)`: sines in even columns, cosines in odd ones (Vaswani et al. 2017)."""
    slow = np.exp(np.arange(0, width, 2) * (-np.log(_BASE) / width))
    angles = np.arange(tokens)[:, None] * slow
    made = np.empty((tokens, width), np.float32)
    made[:, 0::2], made[:, 1::2] = np.sin(angles), np.cos(angles)
    return made


def added(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """`(N, 50, 384)` features of an audio encoder as the network wants them."""
    return np.asarray(audio + table(*audio.shape[1:]), np.float32)
