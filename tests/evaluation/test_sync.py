"""Shift, drift and closures of curves whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from lipsync_core.evaluation import sync

RATE = 25


def syllables(times: np.ndarray) -> np.ndarray:
    """A curve like a mouth's: bumps of uneven distance and height, at any moment in seconds."""
    random = np.random.default_rng(3)
    middles = np.cumsum(random.uniform(0.15, 0.45, 400))
    heights = random.uniform(0.2, 1.0, 400)
    bumps = heights * np.exp(-(((times[:, None] - middles) / 0.06) ** 2))
    return bumps.sum(1)


def moments(seconds: float) -> np.ndarray:
    return np.arange(int(seconds * RATE)) / RATE


@pytest.mark.parametrize("late", [-0.5, -0.21, -0.08, 0.0, 0.013, 0.04, 0.1, 0.37])
def test_a_shift_is_found_to_a_fraction_of_a_frame(late):
    times = moments(12)
    noise = np.random.default_rng(1).normal(0, 0.05, len(times))
    found = sync.fit(syllables(times - late) + noise, syllables(times), RATE)
    assert found.offset == pytest.approx(late, abs=0.006)
    assert found.best > 0.85
    if late == 0.0:
        assert found.at_zero == found.best
    elif abs(late) >= 0.08:
        assert found.at_zero < 0.6


def test_frames_without_a_face_do_not_count():
    times = moments(12)
    mouth = syllables(times - 0.12)
    mouth[40:90] = np.nan
    assert sync.fit(mouth, syllables(times), RATE).offset == pytest.approx(0.12, abs=0.006)


@pytest.mark.parametrize(
    "mouth",
    [np.zeros(200), np.full(200, np.nan), np.linspace(0, 1, 200), np.zeros(10)],
    ids=["still", "no face", "a slope", "short"],
)
def test_what_agrees_nowhere_has_no_shift(mouth):
    found = sync.fit(mouth, syllables(moments(len(mouth) / RATE)), RATE)
    assert found.offset is None or found.best < 0.3


def test_curves_of_others_agree_badly():
    random = np.random.default_rng(5)
    other = np.convolve(random.normal(size=400), np.hanning(7), "same")
    assert sync.fit(other, syllables(moments(16)), RATE).best < 0.4


@pytest.mark.parametrize("slope", [-0.004, 0.0, 0.002, 0.005])
def test_drift_is_the_slope_of_the_shift(slope):
    times = moments(60)
    found = sync.drift(syllables(times * (1 - slope)), syllables(times), RATE)
    assert found == pytest.approx(slope, abs=0.0003)


def test_short_or_unrelated_curves_have_no_drift():
    times = moments(20)
    assert sync.drift(syllables(times), syllables(times), RATE) is None, "20 s do not tell"
    noise = np.random.default_rng(2).normal(size=1500)
    assert sync.drift(noise, syllables(moments(60)), RATE) is None, "nothing agrees"


def test_closures_are_seen_where_they_are_due():
    mouth = np.full(100, 0.3)
    mouth[[10, 41, 78]] = 0.005  # 0.4 s, and off by one frame and by three
    due = np.array([0.4, 1.6, 3.0, 2.0])
    assert sync.closed_at(mouth, due, RATE).tolist() == [True, True, False, False]


def test_closures_without_a_face_are_left_out():
    mouth = np.full(100, 0.3)
    mouth[45:56] = np.nan
    assert len(sync.closed_at(mouth, np.array([2.0, 3.0]), RATE)) == 1
    assert len(sync.closed_at(np.full(100, np.nan), np.array([2.0]), RATE)) == 0


def test_a_mouth_that_opens_wide_may_close_less_tightly():
    mouth = np.full(100, 0.4)
    mouth[50] = 0.08
    assert sync.closed_at(mouth, np.array([2.0]), RATE).tolist() == [True]
    assert sync.closed_at(mouth / 3, np.array([2.0]), RATE).tolist() == [True]
    mouth[50] = 0.15
    assert sync.closed_at(mouth, np.array([2.0]), RATE).tolist() == [False]


def test_onsets_are_the_first_frames_above():
    curve = np.array([0.9, 0.9, 0.1, 0.6, 0.7, 0.2, 0.8])
    assert sync.onsets(curve, 0.5).tolist() == [0, 3, 6]
