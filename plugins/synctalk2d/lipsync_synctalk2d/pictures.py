"""Between the engine's crops and the network's numbers; the same for every runtime. Knows no framework."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.networks.levels import rgb_levels

if TYPE_CHECKING:
    from numpy.typing import NDArray

RIM = 4
"""Pixels of a crop around what the network sees; they stay as they are."""
LARGE, SMALL = 320, 160
"""Width and height of the two networks' pictures."""
_MASK = {LARGE: (5, 5, 315, 310), SMALL: (5, 5, 155, 150)}
"""What is black, `x1, y1, x2, y2`: in the small network a margin of the same pixels."""
_SHARES = (np.arange(256) / 255.0).astype(np.float32)
"""Level -> share, divided in double precision and then shortened, as the original does."""


def crop_side(side: int) -> int:
    """Width and height of the crop around a picture of the network."""
    return side + 2 * RIM


def network_pictures(
    crops: NDArray[np.uint8], references: NDArray[np.uint8] | None = None
) -> NDArray[np.float32]:
    """What the network sees of crops.

    Args:
        crops: `(N, 328, 328, 3)` or `(N, 168, 168, 3)` RGB.
        references: other moments of the same person, as in training; None: the crops themselves, as the
            original does it at work.

    Returns:
        `(N, 6, side, side)` in 0..1: BGR of the references without the rim, then the crops' with the lower
        face black.
    """
    side = crops.shape[1] - 2 * RIM
    seen = np.empty((len(crops), 6, side, side), np.float32)
    seen[:, 3:] = inner_pictures(crops)
    seen[:, :3] = seen[:, 3:] if references is None else inner_pictures(references)
    x1, y1, x2, y2 = _MASK[side]
    seen[:, 3:, y1:y2, x1:x2] = 0.0
    return seen


def inner_pictures(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`(N, 3, side, side)` BGR in 0..1 of `(N, side + 8, side + 8, 3)` RGB: crops without the rim."""
    return _SHARES[crops[:, RIM:-RIM, RIM:-RIM, ::-1]].transpose(0, 3, 1, 2)


def crops_of(
    made: NDArray[np.float32], crops: NDArray[np.uint8], *, cut_off: bool = False
) -> NDArray[np.uint8]:
    """The crops with what the network painted.

    Args:
        made: `(N, 3, side, side)` BGR in 0..1.
        crops: `(N, side + 8, side + 8, 3)` RGB, whose rim is kept.
        cut_off: truncate levels as the original does, instead of rounding.

    Returns:
        `(N, side + 8, side + 8, 3)` RGB, a new array.

    Raises:
        GenerationFailed: it gave NaN or infinite values.
    """
    out = np.array(crops)
    out[:, RIM:-RIM, RIM:-RIM] = rgb_levels(made, "SyncTalk_2D", truncate=cut_off)
    return out
