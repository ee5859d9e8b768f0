"""Which frame is shown when: compared with a plain list that is built the slow way."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipsync_core.media.index import VideoIndex, constant_index
from lipsync_core.media.schedule import make_schedule

F = Fraction


def index_of(steps: list[int], base: Fraction) -> VideoIndex:
    """An index of frames that last `steps` ticks."""
    ticks = np.cumsum([0, *steps])[:-1].astype(np.int64)
    rate = (F(len(steps)) / (sum(steps) * base)).limit_denominator(100_000)
    return VideoIndex(
        ticks=ticks, time_base=base, last_ticks=steps[-1], frame_rate=rate,
        variable_rate=len(set(steps)) > 1, stamps=ticks, keyframes=np.zeros(1, np.int64),
    )  # fmt: skip


def naive(
    steps: list[int], base: Fraction, fit: str, sound: Fraction
) -> list[tuple[int, Fraction]]:
    """`(source, time)` of every output frame, walked one by one."""
    count = len(steps)
    order = list(range(count))
    slack = F(1, 2) / index_of(steps, base).frame_rate if count > 1 else 0
    if sound > sum(steps) * base + slack and not (fit == "cut" and count > 1):
        if fit == "bounce":
            order += list(range(count - 2, 0, -1))
    else:
        sound = F(0)
    mean = max(1, round(F(sum(steps), count)))
    shown, now, place = [], F(0), 0
    while place < count or now < sound:
        hold = (fit == "hold" or count == 1) and place >= count
        source = count - 1 if hold else order[place % len(order)]
        shown.append((source, now))
        now += (mean if hold else steps[source]) * base
        place += 1
    return [*shown, (-1, now)]


@given(
    steps=st.lists(st.integers(1, 9), min_size=1, max_size=7),
    base=st.sampled_from([F(1, 25), F(1001, 30000), F(1, 90000), F(1, 1000)]),
    fit=st.sampled_from(["bounce", "loop", "hold", "cut"]),
    ticks=st.fractions(0, 80, max_denominator=7),
)
def test_schedule_equals_the_slow_walk(steps, base, fit, ticks):
    sound = ticks * base
    schedule = make_schedule(index_of(steps, base), fit, sound)
    wanted = naive(steps, base, fit, sound)
    assert len(schedule) == len(wanted) - 1
    assert [schedule.source(k) for k in range(len(schedule))] == [s for s, _ in wanted[:-1]]
    assert [schedule.time(k) for k in range(len(schedule) + 1)] == [t for _, t in wanted]
    assert schedule.duration == wanted[-1][1]
    for k, ((_, begin), (_, end)) in enumerate(pairwise(wanted)):
        info = schedule.info(k)
        assert (info.index, info.time, info.duration) == (k, begin, end - begin)
        assert schedule.frame_at(begin) == k
        assert schedule.frame_at((begin + end) / 2) == k


def test_bounce_does_not_double_its_ends():
    schedule = make_schedule(index_of([1] * 4, F(1, 25)), "bounce", F(12, 25))
    assert [schedule.source(k) for k in range(12)] == [0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1]


@pytest.mark.parametrize("fit", ["bounce", "loop", "hold", "cut"])
def test_a_still_is_held_for_the_whole_sound(fit):
    schedule = make_schedule(constant_index(1, F(25)), fit, F(101, 100))
    assert len(schedule) == 26
    assert {schedule.source(k) for k in range(26)} == {0}
    assert schedule.info(7).duration == F(1, 25)


@pytest.mark.parametrize("sound", [None, F(0), F(1, 5), F(4, 25)])
def test_a_sound_that_is_not_longer_shows_every_frame_once(sound):
    schedule = make_schedule(index_of([1] * 5, F(1, 25)), "loop", sound)
    assert [schedule.source(k) for k in range(len(schedule))] == [0, 1, 2, 3, 4]


def test_a_long_schedule_costs_no_more_than_a_short_one():
    """Ten hours under a five-frame clip: the arrays hold one round only (pitfall 5)."""
    schedule = make_schedule(index_of([1] * 5, F(1001, 30000)), "bounce", F(36000))
    assert schedule.order.size == 8
    assert schedule.time(1_000_000) == 1_000_000 * F(1001, 30000)


def test_frames_outside_are_refused():
    schedule = make_schedule(constant_index(1, F(25)))
    with pytest.raises(IndexError):
        schedule.source(1)
    with pytest.raises(IndexError):
        schedule.info(-1)
    assert schedule.frame_at(F(100)) == 0
    assert schedule.frame_at(F(-1)) == 0
