"""The grid of chunks: a part of a shot is made of the very chunks of the whole."""

from __future__ import annotations

import numpy as np
import pytest

from lipsync_core.engine.rendering.chunks import ChunkGrid

TRACKS = np.array([-1] * 3 + [4] * 37 + [7] * 5 + [-1] * 2 + [4] * 1 + [-1] + [2] * 21)


def made(tracks, grid, first, last):
    """Frame -> the chunks that shape it, walking `first` to `last` as the engine does."""
    shaped = {}
    start = first
    while start < last:
        if tracks[start] < 0:
            start += 1
            continue
        stop = start
        while stop < last and tracks[stop] == tracks[start]:
            stop += 1
        at, before = start, ()
        while True:
            chunk = (at, min(at + grid.size, stop))
            for frame in range(*chunk):
                new = frame - at >= grid.shared
                shaped[frame] = (chunk,) if new or not before else (*before, chunk)
            before = (chunk,)
            if at + grid.size >= stop:
                break
            at += grid.stride
        start = stop
    return shaped


@pytest.mark.parametrize(("size", "overlap"), [(16, 4), (16, 0), (5, 2), (8, 3), (1, 0), (2, 5)])
def test_every_part_is_made_of_the_chunks_of_the_whole(size, overlap):
    grid = ChunkGrid(size, overlap)
    whole = made(TRACKS, grid, 0, len(TRACKS))
    for start in range(len(TRACKS)):
        for stop in range(start + 1, len(TRACKS) + 1):
            first, last = grid.around(TRACKS, start, stop)
            assert 0 <= first <= start < stop <= last <= len(TRACKS)
            assert start - first < 2 * size and last - stop < size
            part = made(TRACKS, grid, first, last)
            for frame in range(start, stop):
                assert part.get(frame) == whole.get(frame)


def test_nothing_more_is_made_than_is_needed():
    grid = ChunkGrid(10, 0)
    assert grid.around(np.zeros(100, np.int64), 20, 30) == (20, 30)
    assert grid.around(np.zeros(100, np.int64), 25, 26) == (20, 30)
    assert grid.around(np.full(100, -1), 25, 26) == (25, 26)
    assert ChunkGrid(10, 3).around(np.zeros(100, np.int64), 17, 21) == (14, 24)
    assert ChunkGrid(10, 3).around(np.zeros(100, np.int64), 16, 21) == (7, 24)
