"""The one recipe of the shipped network: how much of what is spoken, and how long is trained."""

from __future__ import annotations

from typing import NamedTuple


class Part(NamedTuple):
    """One file of sessions; the seed decides its texts, voices and rooms."""

    source: str
    seconds: float
    seed: int


class Stage(NamedTuple):
    """One run of the optimiser over some parts.

    With `begin_anywhere` every session is cut off at a random point first, so that cold running statistics
    meet speech in the middle of a word, as in clips cut out of a longer recording.
    """

    parts: tuple[Part, ...]
    iterations: int
    rate: float
    begin_anywhere: bool


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
    Stage(_FIRST, iterations=9_000, rate=2.5e-3, begin_anywhere=False),
    Stage((*_FIRST, *_MORE), iterations=3_000, rate=1.0e-3, begin_anywhere=True),
)
TRAINING = STAGES[-1].parts
HELD_OUT = tuple(Part(name, 300, 9001) for name in ("hibari", "flite", "festival", "espeak"))
"""Other texts and rooms; for espeak other voice variants as well (the others have no voices to spare)."""

SHARES = {"espeak": 1.0, "flite": 1.2, "festival": 0.6, "hibari": 1.4}
"""How often a source is drawn: recorded and neural voices more often than formant synthesis."""
SEED = 1
