"""Runs many rows through a network in batches of its preferred size. Knows arrays only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["in_batches"]


Rows = NDArray[np.float32]


def in_batches(run: Callable[..., Rows], batch: int, *arrays: Rows) -> Rows:
    """What `run` gives for all rows of arrays, from calls with at most `batch` rows each.

    Args:
        run: takes a piece of each array, gives as many rows.
        batch: rows of a call, 1 or more.
        arrays: equally long.

    Returns:
        All rows that `run` gave; its own errors pass through.
    """
    starts = range(
        0, max(1, len(arrays[0])), batch
    )  # for no rows one call, which knows their shape
    made = [run(*(array[at : at + batch] for array in arrays)) for at in starts]
    return made[0] if len(made) == 1 else np.concatenate(made)
