"""Whether something is before the mouth: a microphone, a hand, a cup, a mask, a scarf.

No network and no weights: a face is compared with itself. What is usual for a track is learned from its own
frames that show lips redder than the skin around them; a frame whose mouth looks very different is covered.
Where a track never shows lips (a mask from the first frame on, a still picture), only colours that no skin
has give a cover away; a hand, or anything else of the colour of skin, is not noticed there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipsync_core.faces.pose import smoothstep

COVERED_NONE, COVERED_FULL = 1.15, 1.4
"""Distance of a frame from its track. Measured on nine clips: 99 % of the clear frames of each, talking and
turning, up to 1.04; with a microphone, hand, mask, cup or scarf over more than half of the lips, see
`tests/faces/test_real_faces.py`."""
SAMPLE = 512
"""Frames of a track that say what is usual, spread over all of it."""

_USUAL = np.array([0.18, 0.07, 0.09, 0.25])
"""Differences of brightness, red, blue and edges that mean nothing; a cell's spread is added."""
_LIPS_USUAL = 0.04
_SPREADS = 3.0
"""Median absolute deviations that are still usual."""
_MOST = 4.0
"""A single cell, and the lips, count no more than this."""
_LIPS_SEEN, _LIPS_HIDDEN = 0.06, 0.03
"""How much redder than skin lips are where they are seen, and where they are not."""
_NO_SKIN = 0.3
"""Red and blue over green by which the lower face differs from the upper one, as no skin does."""
_FEW = 0.05
"""Share of the frames that must show skin below the nose, for them to say what is usual."""
_GREY, _GREY_WEIGHT = 0.02, 1.4
"""Most colour of a picture in black and white. Two of a cell's four numbers are mute there, so the others
count for more: clear frames have up to 0.8 then. 60 % of the hands are noticed, 97 % of the masks."""

_BLOCK = 4096


def covered(look: NDArray[np.void]) -> NDArray[np.float32]:
    """`(N,)` how far the mouth of each frame is from the mouth of its track, see `COVERED_NONE`.

    Args:
        look: `(N,)` of dtype `faces.looks.LOOK`, of one track; may be mapped from disk.
    """
    sample = np.asarray(look[np.unique(np.linspace(0, len(look) - 1, SAMPLE).astype(int))])
    away = np.hypot(sample["red"].astype(np.float64), sample["blue"].astype(np.float64))
    skin = away < _NO_SKIN
    if skin.mean() >= _FEW:
        sample = sample[skin]
    lips = sample["lips"].astype(np.float64)
    best = float(np.percentile(lips, 90))
    red = best >= _LIPS_SEEN
    if skin.mean() < _FEW and np.median(lips) < _LIPS_HIDDEN:
        return np.full(len(look), _MOST, np.float32)
    # In black and white, and under some lights, lips are no redder than skin: the cells decide alone.
    usual = sample[lips >= best / 2] if red else sample
    colours = np.abs(sample["cells"][..., 1:3].astype(np.float64))
    weight = _GREY_WEIGHT if float(colours.max()) < _GREY else 1.0
    cells, cell_spread = _middle(usual["cells"].astype(np.float64))
    lip, lip_spread = _middle(usual["lips"].astype(np.float64))
    found = np.zeros(len(look), np.float32)
    for start in range(0, len(look), _BLOCK):
        part = look[start : start + _BLOCK]
        off = np.abs(part["cells"].astype(np.float64) - cells) / (_USUAL + _SPREADS * cell_spread)
        cell = np.minimum(np.sqrt((off**2).sum(-1)), _MOST).mean(-1)
        paler = (lip - part["lips"].astype(np.float64)) / (_LIPS_USUAL + _SPREADS * lip_spread)
        both = np.sqrt((cell**2 + np.clip(paler, 0.0, _MOST) ** 2) / 2.0)
        found[start : start + _BLOCK] = both if red else cell * weight
    return found


def free(covered: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(N,)` 0..1: how much of a new mouth can be shown with nothing before it."""
    return 1.0 - smoothstep(covered, COVERED_NONE, COVERED_FULL)


def _middle(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Median and median absolute deviation along the first axis."""
    middle = np.median(values, axis=0)
    return middle, np.median(np.abs(values - middle), axis=0)
