"""The choice of frames that say most about a face: the right ones, and cheap to fetch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipsync_core.faces.analysis import ROW
from lipsync_core.targets.representative_frames import (
    BUDGET_LEAST,
    BUDGET_SHARE,
    most_representative,
)


def track(frames: int, seed: int = 0) -> NDArray[np.void]:
    """A frontal face whose mouth opens anyhow."""
    table = np.zeros(frames, ROW)
    table["frame"] = np.arange(frames)
    table["opening"] = np.random.default_rng(seed).uniform(0, 0.3, frames)
    return table


def decoded(chosen: NDArray[np.int64], keyframes: NDArray[np.int64]) -> int:
    """Frames that must be decoded to fetch `chosen`."""
    start = keyframes[np.searchsorted(keyframes, chosen, side="right") - 1]
    return sum(int(chosen[start == key].max()) + 1 - int(key) for key in np.unique(start))


def test_the_extremes_are_among_them_where_every_frame_is_a_keyframe() -> None:
    table = track(300)
    chosen = most_representative(table, np.arange(300), 12)
    assert len(chosen) == 12
    order = np.argsort(table["opening"])
    assert set(order[:4]) <= set(chosen)
    assert set(order[-4:]) <= set(chosen)


def test_a_long_track_does_not_cost_decoding_all_of_it_again() -> None:
    table, keyframes = track(6000), np.arange(0, 6000, 250)
    chosen = most_representative(table, keyframes, 32)
    assert len(chosen) == 32
    assert decoded(chosen, keyframes) <= BUDGET_SHARE * 6000
    widest = int(np.argmax(table["opening"]))
    assert widest in chosen


def test_a_keyframe_only_at_the_start_still_gives_one_frame_and_what_lies_before_it() -> None:
    table = track(3000)
    chosen = most_representative(table, np.zeros(1, np.int64), 32)
    assert len(chosen) == 32
    assert int(np.argmax(table["opening"])) in chosen
    assert chosen.max() < max(
        int(np.argmax(table["opening"])) + 1, BUDGET_LEAST + 3000 * BUDGET_SHARE
    )


def test_turned_faces_come_last() -> None:
    table = track(100)
    table["yaw"][:90] = 45.0
    assert (most_representative(table, np.arange(100), 9)[3:] >= 90).sum() >= 5


def test_few_frames_are_all_taken_and_none_is_none() -> None:
    assert most_representative(track(3), np.zeros(1, np.int64), 32).tolist() == [0, 1, 2]
    assert len(most_representative(track(0), np.zeros(0, np.int64), 32)) == 0
