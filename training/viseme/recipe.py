"""The one recipe of the shipped network: how much of what is spoken, and how long is trained."""

from __future__ import annotations

from typing import NamedTuple


class Part(NamedTuple):
    """One file of sessions; the seed decides its texts, voices and rooms."""

    source: str
    seconds: float
    seed: int


TRAINING = (
    *(Part("hibari", 1800, seed) for seed in range(1, 9)),
    *(Part("flite", 2000, seed) for seed in range(1, 8)),
    *(Part("festival", 1200, seed) for seed in range(1, 5)),
    *(Part("espeak", 2000, seed) for seed in range(1, 6)),
)
HELD_OUT = tuple(Part(name, 300, 9001) for name in ("hibari", "flite", "festival", "espeak"))
"""Other texts and rooms; for espeak other voice variants as well (the others have no voices to spare)."""

SHARES = {"espeak": 1.0, "flite": 1.2, "festival": 0.6, "hibari": 1.4}
"""How often a source is drawn: recorded and neural voices more often than formant synthesis."""
ITERATIONS = 9_000
SEED = 1
