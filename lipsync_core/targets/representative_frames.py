"""Which frames of a track say most about a face, and are cheap to fetch.

Every frame costs decoding from the keyframe before it. Thirty frames anywhere in a minute would mean
decoding most of the minute once more, so a budget holds the choice together: frames of a span that
is decoded for another one are free.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

BUDGET_SHARE, BUDGET_LEAST = 0.2, 250
"""Frames that may be decoded for the choice: this share of the track's, but always this many."""
TURNED = 0.01
"""Of an eye distance for each degree: being frontal matters, but less than the mouth."""


def most_representative(
    table: NDArray[np.void], keyframes: NDArray[np.int64], limit: int
) -> NDArray[np.int64]:
    """Positions in `table` of the most open mouths, the most closed ones, and a spread between.

    Args:
        table: the track's rows (`faces.analysis.ROW`), ordered by frame.
        keyframes: ascending frames that decoding can start at.
        limit: how many at the most; fewer where the budget does not reach.

    Returns:
        Ascending positions; the same for the same track, whatever is rendered of it.
    """
    turned = TURNED * (np.abs(table["yaw"]) + np.abs(table["pitch"]))
    orders = (
        np.argsort(-table["opening"] + turned, kind="stable"),
        np.argsort(table["opening"] + turned, kind="stable"),
        _spread(len(table)),
    )
    frames = table["frame"].astype(np.int64)
    place = np.searchsorted(keyframes, frames, side="right") - 1
    starts = np.where(place >= 0, keyframes[np.maximum(place, 0)] if len(keyframes) else 0, 0)
    left = max(BUDGET_LEAST, int(BUDGET_SHARE * len(table)))
    reached: dict[int, int] = {}
    chosen: set[int] = set()
    wishes: list[Iterator[int]] = [iter(order.tolist()) for order in orders]
    while wishes and len(chosen) < min(limit, len(table)):
        wish = wishes.pop(0)
        for k in wish:
            start, frame = int(starts[k]), int(frames[k])
            cost = max(0, frame + 1 - reached.get(start, start))
            if k in chosen or (cost > left and chosen):
                continue
            chosen.add(k)
            left = max(left - cost, 0)
            reached[start] = max(frame + 1, reached.get(start, start))
            wishes.append(wish)
            break
    return np.array(sorted(chosen), np.int64)


def _spread(count: int) -> NDArray[np.int64]:
    """All of `0 .. count-1`, so ordered that each beginning of it is spread over the whole."""
    # Van der Corput's sequence: numbers with their bits mirrored.
    numbers, mirrored = np.arange(count), np.zeros(count, np.int64)
    for _ in range(max(1, count.bit_length())):
        mirrored = mirrored * 2 + numbers % 2
        numbers //= 2
    return np.argsort(mirrored, kind="stable")
