"""The scale of a person's mouth: their own range, shrunk towards that of most people."""

from __future__ import annotations

import pytest

from lipsync_core.builtin.viseme.person_scale import OPENING, OPENING_LIMITS, WIDTH, person_scale
from lipsync_core.records import MouthRange


def seen(opening=OPENING, width=WIDTH, seconds=10.0):
    return MouthRange(
        seconds=seconds,
        opening=(0.0, 0.1, 0.2),
        opening_spread=opening,
        width=(0.7, 0.8, 0.9),
        width_spread=width,
    )


def test_most_people_and_unknown_ones_have_scale_one():
    assert person_scale(None) == (1.0, 1.0)
    assert person_scale(seen()) == pytest.approx((1.0, 1.0))


def test_who_opens_half_as_far_is_moved_about_half_as_far():
    assert person_scale(seen(0.6 * OPENING))[0] == pytest.approx(0.6, abs=0.02)
    assert person_scale(seen(1.4 * OPENING))[0] == pytest.approx(1.4, abs=0.02)
    assert person_scale(seen(width=0.8 * WIDTH)) == pytest.approx((1.0, 0.8), abs=0.01)


def test_the_less_was_seen_the_nearer_to_most_people():
    scales = [person_scale(seen(0.6 * OPENING, seconds=s))[0] for s in (0.5, 1, 2, 8, 60)]
    assert scales == sorted(scales, reverse=True)
    assert 0.65 < scales[0] < 0.9


def test_a_tracker_gone_wild_has_limits():
    assert person_scale(seen(10 * OPENING))[0] == OPENING_LIMITS[1]
    assert person_scale(seen(0.0))[0] == OPENING_LIMITS[0]
