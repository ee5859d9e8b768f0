"""The clock: exact rates through every container's rounding, and where frames lack time stamps."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from mediafactory import make_video

from lipsync_core.media.index import STANDARD_RATES, _constant_rate, constant_index
from lipsync_core.media.probe import probe_target

F = Fraction
RATES = [F(24000, 1001), F(24), F(25), F(30000, 1001), F(30), F(50), F(60000, 1001), F(60)]


@pytest.mark.parametrize("name", ["t.mp4", "t.mov", "t.mkv", "t.ts", "t.nut"])
@pytest.mark.parametrize("rate", RATES)
def test_the_rate_is_exact_in_every_container(rate, name, tmp_path):
    index = probe_target(make_video(tmp_path / name, fps=rate, frames=30)).index
    assert index.frame_rate == rate
    assert not index.variable_rate
    assert [index.info(k).time for k in range(30)] == [k / rate for k in range(30)]
    assert index.duration == 30 / rate


@pytest.mark.parametrize("rate", STANDARD_RATES)
def test_milliseconds_hide_no_rate(rate):
    """An hour of any standard rate, rounded to milliseconds, is recognised without a hint."""
    count = int(rate * 3600)
    ticks = np.array([round(k * 1000 / rate) for k in range(count)], np.int64)
    assert _constant_rate(ticks, F(1, 1000), []) == rate


def test_a_dropped_frame_is_no_constant_rate():
    ticks = np.delete(np.arange(100) * 40, 50)
    assert _constant_rate(ticks, F(1, 1000), [F(25)]) is None


def test_variable_times_are_kept(tmp_path):
    ticks = [0, 33, 67, 300, 301, 500]
    index = probe_target(
        make_video(tmp_path / "t.mkv", ticks=ticks, time_base=F(1, 1000), fps=30)
    ).index
    assert index.variable_rate
    assert [index.info(k).time for k in range(6)] == [F(tick, 1000) for tick in ticks]
    assert index.info(2).duration == F(233, 1000)


def test_a_stream_without_time_stamps_is_counted(tmp_path):
    index = probe_target(make_video(tmp_path / "t.h264", frames=20)).index
    assert index.counted
    assert (len(index), index.frame_rate) == (20, F(25))


def test_keyframes(tmp_path):
    index = probe_target(make_video(tmp_path / "t.mp4", frames=20, gop=5)).index
    assert index.keyframes[0] == 0
    assert [index.keyframe_before(k) for k in index.keyframes] == list(index.keyframes)
    assert index.keyframe_before(19) == index.keyframes[-1]


def test_a_still_is_one_frame():
    index = constant_index(1, F(25))
    assert (len(index), index.duration) == (1, F(1, 25))
    with pytest.raises(IndexError):
        index.info(1)


def test_indexing_does_not_decode(tmp_path, monkeypatch):
    """A two-hour video is indexed in seconds: one frame is decoded, for its format."""
    path = make_video(tmp_path / "t.mp4", frames=40)
    from lipsync_core.media import index as module

    def refuse(*_args):
        raise AssertionError("decoded")

    monkeypatch.setattr(module, "_decoded", refuse)
    assert probe_target(path).frames == 40
