"""Sessions made ready to train on: normalised as at run time, with the curves they should give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lipsync_core.builtin.viseme.melspec import SILENT_FRAME
from lipsync_core.builtin.viseme.network import FRAMES_AFTER, FRAMES_BEFORE, FRAMES_PER_STEP
from lipsync_core.builtin.viseme.normalisation import (
    SHAPE_WEIGHT,
    RunningStatistics,
    idle_statistics,
    normalise,
)
from lipsync_core.builtin.viseme.targets import VISEMES
from training.viseme import reference
from training.viseme.dataset import Session
from training.viseme.recipe import Cold

BLOCK = 200
"""Sessions normalised at once."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """A session ready to train on, padded on both sides as the runtime pads a stream."""

    mel: NDArray[np.float16]
    """(FRAMES_BEFORE + 2 n + FRAMES_AFTER, BANDS) normalised."""
    weights: NDArray[np.float16]
    """(n, 15) viseme weights of the 20 ms steps."""
    poses: NDArray[np.float16]
    """(n, 8) reference curves at the steps."""


def begin_anywhere(sessions: list[Session], seed: int) -> list[Session]:
    """Cut a random piece (up to 60 %) off each beginning: recordings often start in the middle of a word."""
    rng = np.random.default_rng(seed)
    starts = [int(rng.uniform(0, 0.6) * len(s.labels)) for s in sessions]
    return [
        Session(mel=s.mel[start:], labels=s.labels[start:])
        for s, start in zip(sessions, starts, strict=True)
    ]


def prepare(sessions: list[Session], cold: Cold, seed: int) -> list[Example]:
    """Normalise with the runtime's own running statistics and compute the references."""
    rng = np.random.default_rng(seed)
    blocks = [sessions[first : first + BLOCK] for first in range(0, len(sessions), BLOCK)]
    return [example for block in blocks for example in _block(block, cold, rng)]


def _block(sessions: list[Session], cold: Cold, rng: np.random.Generator) -> list[Example]:
    longest = max(len(s.mel) for s in sessions) + FRAMES_AFTER + cold.latest
    raw = np.tile(SILENT_FRAME, (longest, len(sessions), 1))
    for column, session in enumerate(sessions):
        raw[: len(session.mel), column] = session.mel
    weight = SHAPE_WEIGHT if cold.shape_weight is None else cold.shape_weight
    heard = RunningStatistics((len(sessions),), weight).push(raw)
    examples = []
    for column, session in enumerate(sessions):
        steps = len(session.labels) // FRAMES_PER_STEP
        count = steps * FRAMES_PER_STEP + FRAMES_AFTER
        later = int(rng.integers(0, cold.latest + 1))
        # Silence before the first frame: by the statistics of the frame `later` after the last silent one.
        before = heard[later - 1, :, column] if later else idle_statistics()
        silence = np.tile(normalise(SILENT_FRAME, *before), (FRAMES_BEFORE, 1))
        known = heard[later : later + count, :, column]
        mel = normalise(raw[:count, column], known[:, 0], known[:, 1])
        sure = np.eye(len(VISEMES))[np.pad(session.labels, 1, mode="edge")]
        soft = 0.25 * sure[:-2] + 0.5 * sure[1:-1] + 0.25 * sure[2:]
        poses = reference.curves(session.labels)
        cut = slice(0, steps * FRAMES_PER_STEP, FRAMES_PER_STEP)
        examples.append(
            Example(
                mel=np.concatenate([silence, mel]).astype(np.float16),
                weights=soft[cut].astype(np.float16),
                poses=poses[cut].astype(np.float16),
            )
        )
    return examples
