"""Segments cover every shot and cross none."""

from __future__ import annotations

from lipsync_core.engine.rendering.segments import cut_segments


def test_segments_cover_every_shot_and_cross_none():
    segments = cut_segments([(0, 90), (90, 91), (91, 300)], 100)
    assert [(s.shot, s.start, s.stop) for s in segments] == [
        (0, 0, 90), (1, 90, 91), (2, 91, 161), (2, 161, 230), (2, 230, 300),
    ]  # fmt: skip
    assert [s.number for s in segments] == [0, 1, 2, 3, 4]
