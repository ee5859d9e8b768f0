"""The clock of any video under any sound: exact, unbroken, and never a frame away from the sound."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_core.media.index import VideoIndex, constant_index
from lipsync_core.media.schedule import Schedule, make_schedule

RATES = st.one_of(
    st.sampled_from([Fraction(n * 1000, 1001) for n in (24, 30, 60, 120)]),
    st.fractions(Fraction(1, 10), 240, max_denominator=1001),
)
FITS = st.sampled_from(["bounce", "loop", "hold", "cut"])


@st.composite
def indices(draw: st.DrawFn) -> VideoIndex:
    """Of a constant rate, or with a length of its own for each frame."""
    rate = draw(RATES)
    if draw(st.booleans()):
        return constant_index(draw(st.integers(1, 30)), rate)
    steps = draw(st.lists(st.integers(1, 40), min_size=1, max_size=12))
    ticks = np.cumsum([0, *steps])[:-1].astype(np.int64)
    base = 1 / rate
    return VideoIndex(
        ticks=ticks, time_base=base, last_ticks=steps[-1],
        frame_rate=Fraction(len(steps)) / (sum(steps) * base), variable_rate=len(set(steps)) > 1,
        stamps=ticks, keyframes=np.zeros(1, np.int64),
    )  # fmt: skip


def times(schedule: Schedule) -> list[Fraction]:
    return [schedule.time(k) for k in range(len(schedule) + 1)]


@settings(max_examples=100)
@given(
    index=indices(),
    fit=FITS,
    lengths=st.fractions(0, 6, max_denominator=997),
    late=st.integers(-2, 2),
)
def test_frames_cover_the_sound_and_end_within_a_frame_of_it(index, fit, lengths, late):
    """Sounds of up to six times the video, and such as end a little beside its end."""
    sound = max(Fraction(0), lengths * index.duration + Fraction(late, 48_000))
    schedule = make_schedule(index, fit, sound)
    count = len(index)
    once = sound <= index.duration + (1 / index.frame_rate / 2 if count > 1 else 0)
    if once or (fit == "cut" and count > 1):
        assert [schedule.source(k) for k in range(len(schedule))] == list(range(count))
        assert schedule.duration == index.duration
        assert not once or sound - schedule.duration < 1 / index.frame_rate
        return
    last = schedule.info(len(schedule) - 1).duration
    assert 0 <= schedule.duration - sound < last, (
        "no gap, and no frame that nobody hears anything in"
    )


@settings(max_examples=100)
@given(index=indices(), fit=FITS, lengths=st.fractions(0, 6, max_denominator=7))
def test_times_increase_strictly_and_every_source_is_a_frame(index, fit, lengths):
    schedule = make_schedule(index, fit, lengths * index.duration)
    walked = times(schedule)
    assert walked[0] == 0
    assert all(a < b for a, b in pairwise(walked))
    sources = [schedule.source(k) for k in range(len(schedule))]
    assert set(sources) == set(range(len(index)))
    assert sources[: len(index)] == list(range(len(index))), "first the video as it is"
    far = 0 if fit == "hold" else 1
    if fit == "bounce":
        assert all(abs(a - b) <= far for a, b in pairwise(sources)) or len(index) == 2
    for k, source in enumerate(sources):
        info = schedule.info(k)
        assert (info.index, info.time, info.time + info.duration) == (k, walked[k], walked[k + 1])
        if not (schedule.held and k >= len(index)):
            own = np.append(index.ticks, index.end)
            assert info.duration == int(own[source + 1] - own[source]) * index.time_base


@settings(max_examples=100)
@given(
    index=indices(), fit=FITS, lengths=st.fractions(0, 6, max_denominator=7),
    share=st.fractions(0, 1, max_denominator=1009),
)  # fmt: skip
def test_the_frame_at_a_time_is_the_one_that_is_shown_then(index, fit, lengths, share):
    schedule = make_schedule(index, fit, lengths * index.duration)
    time = share * schedule.duration
    k = schedule.frame_at(time)
    assert schedule.time(k) <= time
    assert time < schedule.time(k + 1) or (share == 1 and k == len(schedule) - 1)
