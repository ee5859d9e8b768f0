"""Whether a rendered still of the bundled portrait moves its mouth, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from lipsync_core import samples
from lipsync_core.media.still import read_still

MOUTH = (slice(130, 156), slice(198, 248))
BESIDE = (slice(20, 60), slice(20, 120))
"""Rows and columns of the 512x512 portrait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Mean difference from the portrait, in levels: of the mouth in its widest frame, and beside the face."""

    frames: int
    mouth: float
    beside: float


def watch(video: Path) -> Seen:
    """Compare every frame with the portrait."""
    portrait = read_still(samples.portrait()).astype(int)
    mouth, beside = [], []
    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            apart = np.abs(frame.to_ndarray(format="rgb24").astype(int) - portrait)
            mouth.append(float(apart[MOUTH].mean()))
            beside.append(float(apart[BESIDE].mean()))
    return Seen(frames=len(mouth), mouth=max(mouth), beside=max(beside))
