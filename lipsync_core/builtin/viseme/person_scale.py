"""How much more or less than most people one person moves the mouth, from the range seen in the target."""

from __future__ import annotations

import numpy as np

from lipsync_core.records import MouthRange

OPENING, WIDTH = 0.09, 0.052
"""Spread (standard deviation over speech, eye distances) of opening and width that this generator makes at
scale 1, measured on its output (training/viseme/README.md)."""
TRUST = 0.25
"""Seconds of speech after which a person's own range counts as much as that of most people."""
OPENING_LIMITS, WIDTH_LIMITS = (0.55, 1.7), (0.7, 1.3)
"""A tracker that is wrong makes no grimace and no whisper."""


def person_scale(mouth: MouthRange | None) -> tuple[float, float]:
    """Factors of opening and width; 1 and 1 where nothing is known of the person.

    The logarithm of a person's spread over that of most people is shrunk towards 0 by the seconds of speech
    seen: a normal prior whose weight is `TRUST` seconds.
    """
    if mouth is None:
        return 1.0, 1.0
    share = mouth.seconds / (mouth.seconds + TRUST)
    opening = (max(mouth.opening_spread, 1e-6) / OPENING) ** share
    width = (max(mouth.width_spread, 1e-6) / WIDTH) ** share
    return float(np.clip(opening, *OPENING_LIMITS)), float(np.clip(width, *WIDTH_LIMITS))
