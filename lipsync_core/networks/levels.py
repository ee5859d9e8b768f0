"""From a network's output to 8-bit pictures, with a check for NaN. Knows numpy only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.errors import GenerationFailed

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["demand_finite", "rgb_levels"]


def demand_finite(made: NDArray[np.float32], who: str) -> None:
    """Check that a network's output is usable.

    Args:
        made: the output, of any shape.
        who: the model, as messages call it.

    Raises:
        GenerationFailed: it holds NaN or infinity, as overflows in half precision and damaged weights cause.
    """
    if not np.isfinite(made).all():
        raise GenerationFailed(
            f"{who} returned NaN or infinity.",
            "Choose --precision fp32; if that does not help, the weights are damaged: get them again.",
        )


def rgb_levels(made: NDArray[np.float32], who: str, *, truncate: bool) -> NDArray[np.uint8]:
    """8-bit RGB pictures from a network that paints BGR.

    Args:
        made: `(N, 3, H, W)` BGR in 0..1.
        who: the model, as messages call it.
        truncate: truncate levels, as some originals do, instead of rounding; this darkens the picture by
            half a level on average.

    Returns:
        `(N, H, W, 3)` uint8 RGB.

    Raises:
        GenerationFailed: NaN or infinite values.
    """
    demand_finite(made, who)
    levels = made * np.float32(255.0)
    if not truncate:
        levels = np.rint(levels)
    return np.ascontiguousarray(levels.astype(np.uint8)[:, ::-1].transpose(0, 2, 3, 1))
