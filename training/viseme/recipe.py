"""The one recipe of the shipped network: how much of what is spoken, and how long is trained."""

from __future__ import annotations

from typing import NamedTuple


class Part(NamedTuple):
    """One file of sessions; the seed decides its texts, voices and rooms."""

    source: str
    seconds: float
    seed: int


class Cold(NamedTuple):
    """How a stage meets the running statistics of a voice that has just begun.

    At run time the frames that a step sees are normalised by the statistics 0 to 61 frames later. Training
    normalises each session by those of 0 to `latest` frames later, at random, the same for all its frames.
    """

    begin_anywhere: bool
    """Cut every session off at a random point first, so that cold statistics meet speech in the middle of a
    word, as in clips cut out of a longer recording."""
    shape_weight: float | None
    """`SHAPE_WEIGHT` of the running statistics, None for that of the runtime."""
    latest: int
    from_the_beginning: float
    """Share of windows that begin with their recording, when the running statistics know nothing yet."""
    edges: bool
    """Distort the lowest and highest bands more (`perturb.py`)."""


class Stage(NamedTuple):
    """One run of the optimiser over some parts."""

    parts: tuple[Part, ...]
    iterations: int
    rate: float
    cold: Cold


_FIRST = (
    *(Part("hibari", 1800, seed) for seed in range(1, 9)),
    *(Part("flite", 2000, seed) for seed in range(1, 8)),
    *(Part("festival", 1200, seed) for seed in range(1, 5)),
    *(Part("espeak", 2000, seed) for seed in range(1, 6)),
)
_MORE = (
    *(Part("hibari", 1800, seed) for seed in range(9, 12)),
    *(Part("flite", 2000, seed) for seed in range(8, 10)),
)
STAGES = (
    Stage(_FIRST, iterations=9_000, rate=2.5e-3, cold=Cold(False, 100.0, 0, 0.2, False)),
    Stage((*_FIRST, *_MORE), iterations=3_000, rate=1.0e-3, cold=Cold(True, 100.0, 0, 0.2, False)),
    Stage((*_FIRST, *_MORE), iterations=2_000, rate=1.0e-3, cold=Cold(True, None, 30, 0.35, True)),
)
"""The first two stages knew an earlier normalisation; the third is trained with that of the runtime."""
TRAINING = STAGES[-1].parts
HELD_OUT = tuple(Part(name, 300, 9001) for name in ("hibari", "flite", "festival", "espeak"))
"""Other texts and rooms; for espeak other voice variants as well (the others have no voices to spare)."""

SHARES = {"espeak": 1.0, "flite": 1.2, "festival": 0.6, "hibari": 1.4}
"""How often a source is drawn: recorded and neural voices more often than formant synthesis."""
SEED = 1
