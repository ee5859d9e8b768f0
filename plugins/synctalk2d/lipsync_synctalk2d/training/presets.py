"""How large a network is trained, and for how long: named choices. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One choice.

    Attributes:
        side: width and height of the network's pictures.
        thin: all numbers of channels are divided by this.
        batch: pictures in a step.
        sync_epochs: how often SyncNet sees the footage.
        epochs: how often the U-Net does.
        help: for whom.
    """

    side: Literal[320, 160]
    thin: int
    batch: int
    sync_epochs: int
    epochs: int
    help: str


PRESETS = {
    "high_quality": Preset(
        side=320, thin=1, batch=8, sync_epochs=50, epochs=100,
        help="320 pixels, as published; for a GPU",
    ),
    "fast": Preset(
        side=160, thin=1, batch=16, sync_epochs=25, epochs=50,
        help="160 pixels; a GPU, or a night on a CPU",
    ),
    "low_memory": Preset(
        side=160, thin=1, batch=2, sync_epochs=25, epochs=50,
        help="160 pixels, two at a time",
    ),
    "draft": Preset(
        side=160, thin=4, batch=8, sync_epochs=15, epochs=60,
        help="160 pixels, a sixteenth of the numbers; to try footage on a CPU",
    ),
}  # fmt: skip
RATE = 1e-3
"""Adam's rate, as published; here it falls to a twentieth over the last part of the epochs."""
STEADY = 0.6
"""Share of the epochs at the full rate."""
LAST = 0.05
"""Share of the rate at the end."""
PERCEPTUAL, PUBLISHED_SYNC = 0.01, 10.0
"""Published weights of the perceptual and the sync loss beside L1."""
SYNC = 0.05
"""Weight of the sync loss here. The published one belongs to a SyncNet that was never shown a pair that does
not fit, and so calls everything a fit; beside one that tells apart it drowns the picture: after two epochs of
a short clip L1 had fallen by 2 % instead of 38 %. Wav2Lip weighs its expert with 0.03."""
SYNC_FROM, SYNC_FULL = 0.2, 0.4
"""Shares of the epochs at which the sync loss begins to count, and counts in full: before that there is no
mouth to judge."""
