"""Chunks and segments of any shots: a part is made as in the whole, and nothing is left out or made twice."""

from __future__ import annotations

from itertools import groupby, pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_core.engine.rendering.chunks import ChunkGrid
from lipsync_core.engine.rendering.segments import cut_segments

GRIDS = st.integers(1, 9).flatmap(
    lambda size: st.builds(ChunkGrid, size=st.just(size), overlap=st.integers(0, size // 2))
)
"""With overlaps of up to half a chunk: at most two chunks shape a frame."""
SPANS = st.lists(
    st.tuples(st.sampled_from([-1, 0, 1, 2]), st.integers(1, 17)), min_size=1, max_size=6
)
"""Which face (-1: none), and for how many frames."""


def tracks_of(spans: list[tuple[int, int]]) -> np.ndarray:
    return np.concatenate([np.full(count, track) for track, count in spans]).astype(np.int64)


def chunks(tracks: np.ndarray, grid: ChunkGrid, first: int, last: int) -> list[tuple[int, int]]:
    """All chunks of a walk from `first` to `last`: brute force, span by span."""
    made, at = [], first
    for track, frames in groupby(tracks[first:last].tolist()):
        stop = at + len(list(frames))
        while track >= 0:
            made.append((at, min(at + grid.size, stop)))
            if at + grid.size >= stop:
                break
            at += grid.stride
        at = stop
    return made


def shaping(made: list[tuple[int, int]], frame: int) -> list[tuple[int, int]]:
    return [chunk for chunk in made if chunk[0] <= frame < chunk[1]]


@settings(max_examples=100)
@given(spans=SPANS, grid=GRIDS, data=st.data())
def test_a_part_is_made_of_the_chunks_of_the_whole(spans, grid, data):
    tracks = tracks_of(spans)
    start = data.draw(st.integers(0, len(tracks) - 1))
    stop = data.draw(st.integers(start + 1, len(tracks)))
    first, last = grid.around(tracks, start, stop)
    assert 0 <= first <= start < stop <= last <= len(tracks)
    whole, part = chunks(tracks, grid, 0, len(tracks)), chunks(tracks, grid, first, last)
    for frame in range(start, stop):
        assert shaping(part, frame) == shaping(whole, frame)


@settings(max_examples=100)
@given(spans=SPANS, grid=GRIDS)
def test_chunks_cover_every_face_and_neighbours_share_what_they_should(spans, grid):
    tracks = tracks_of(spans)
    made = chunks(tracks, grid, 0, len(tracks))
    covered = {frame for a, b in made for frame in range(a, b)}
    assert covered == set(np.flatnonzero(tracks >= 0).tolist())
    for (a, b), (c, _) in pairwise(made):
        assert 0 < b - a <= grid.size
        assert b - c in (grid.shared, *range(-len(tracks), 1))
        assert len(set(tracks[a:b].tolist())) == 1, "no chunk holds two faces"
    assert grid.around(tracks, 0, len(tracks)) == (0, len(tracks))


@settings(max_examples=100)
@given(lengths=st.lists(st.integers(1, 300), min_size=1, max_size=8), most=st.integers(1, 120))
def test_segments_cover_every_shot_once_and_cross_none(lengths, most):
    edges = [0, *np.cumsum(lengths).tolist()]
    shots = list(pairwise(edges))
    segments = cut_segments(shots, most)
    assert [segment.number for segment in segments] == list(range(len(segments)))
    walked = [frame for segment in segments for frame in range(segment.start, segment.stop)]
    assert walked == list(range(edges[-1]))
    for segment in segments:
        begin, end = shots[segment.shot]
        assert begin <= segment.start < segment.stop <= end
        assert segment.stop - segment.start <= most
    for shot in range(len(shots)):
        sizes = [s.stop - s.start for s in segments if s.shot == shot]
        assert max(sizes) - min(sizes) <= 1, "of about one size"
        assert len(sizes) == -(-(shots[shot][1] - shots[shot][0]) // most), (
            "no more than are needed"
        )
