"""A mouth at rest in silence, for encoders whose zero row means rest.

Their rows fade with speech activity. Before the first word of a phrase people part their lips to breathe
in; an encoder that declares such a row (`AudioEncoderSpec.parted`) gets it there.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipsync_core.voice.features import FeatureFile

__all__ = ["BREATH", "anticipation", "rested"]

BREATH, RISE = Fraction(1, 2), Fraction(1, 5)
"""Seconds before speech at which lips begin to part, and seconds that it takes. Mouths begin to move 100 to
300 ms before the voice of an utterance (Chandrasekaran et al., "The natural statistics of audiovisual
speech", PLoS Computational Biology 5, 2009), and earlier where people breathe in first
(training/viseme/README.md)."""
_BLOCK = 1024
"""Rows held at a time."""


def anticipation(activity: NDArray[np.float32], fps: Fraction) -> NDArray[np.float32]:
    """How much of the parted lips is due, from the speech that follows.

    Args:
        activity: `(n,)` speech activity 0..1.
        fps: rows a second.

    Returns:
        `(n,)` 0..1: grows from 0 to 1 in `RISE` seconds from `BREATH` before speech on; 0 while somebody
        speaks.
    """
    reach = max(1, round(BREATH * fps))
    ramp = np.clip((float(BREATH) - np.arange(reach + 1) / float(fps)) / float(RISE), 0, 1)
    ramp = (ramp * ramp * (3 - 2 * ramp)).astype(np.float32)
    if not len(activity):
        return activity
    padded = np.concatenate([activity, np.zeros(reach, np.float32)])
    later = np.lib.stride_tricks.sliding_window_view(padded, reach + 1)
    return np.asarray(np.maximum((later * ramp).max(axis=1) - activity, 0.0), np.float32)


def rested(
    rows: FeatureFile, activity: FeatureFile, parted: tuple[float, ...], path: Path
) -> FeatureFile:
    """Write the rows of a voice with its silences at rest.

    Args:
        rows: of an encoder whose zero row means rest.
        activity: speech activity, at the same clock.
        parted: the encoder's row of parted lips, flattened; empty: there is none.
        path: file to write (complete or not there).
    """
    share = activity.read(0, activity.rows)
    before = anticipation(share, rows.clock)
    breathing = np.zeros(rows.shape, np.float32)
    if parted:
        breathing[...] = np.reshape(np.asarray(parted, np.float32), rows.shape)
    flat = (-1, *([1] * len(rows.shape)))
    work = path.with_suffix(".part")
    with work.open("wb") as file:
        for start in range(0, rows.rows, _BLOCK):
            block = rows.read(start, start + _BLOCK)
            at = np.minimum(np.arange(start, start + len(block)), len(share) - 1)
            mixed = block * share[at].reshape(flat) + breathing * before[at].reshape(flat)
            file.write(np.ascontiguousarray(mixed, np.float32).tobytes())
    work.replace(path)
    return FeatureFile(path, rows.shape, rows.clock)
