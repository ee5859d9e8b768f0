"""Between the engine's crops and the network's numbers; the same for every runtime. Knows no framework."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.networks.levels import rgb_levels

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 96
"""Width and height of a crop."""
_SHARES = (np.arange(256) / 255.0).astype(np.float32)
"""Level -> share, divided in double precision and then shortened, as the original does."""


def network_faces(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the network sees of crops.

    Args:
        crops: `(N, 96, 96, 3)` RGB.

    Returns:
        `(N, 6, 96, 96)` in 0..1: BGR with rows 48..95 black, then BGR of the whole crop. (In training the
        second one is another moment of the same person; at work the original shows the same frame.)
    """
    faces = np.empty((len(crops), 6, SIDE, SIDE), np.float32)
    faces[:, 3:] = _SHARES[crops[..., ::-1]].transpose(0, 3, 1, 2)
    faces[:, :3] = faces[:, 3:]
    faces[:, :3, SIDE // 2 :] = 0.0
    return faces


def crops_of(made: NDArray[np.float32], *, cut_off: bool = False) -> NDArray[np.uint8]:
    """The crops that the network painted.

    Args:
        made: `(N, 3, 96, 96)` BGR in 0..1.
        cut_off: truncate levels as the original does, instead of rounding.

    Returns:
        `(N, 96, 96, 3)` RGB.

    Raises:
        GenerationFailed: it gave NaN or infinite values.
    """
    return rgb_levels(made, "Wav2Lip", truncate=cut_off)
