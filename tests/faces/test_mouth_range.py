"""How far a person moves the mouth: from the frames in which it moves, whatever else the video shows."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lipsync_core.faces.analysis import ROW
from lipsync_core.faces.mouth_range import mouth_range

RATE = Fraction(25)


def rows(opening, width=0.8, frames=None):
    table = np.zeros(len(opening), ROW)
    table["frame"] = np.arange(len(opening)) if frames is None else frames
    table["opening"], table["mouth"] = opening, width
    return table


def syllables(seconds, largest, rate=25):
    """Four syllables a second, from closed to `largest`."""
    time = np.arange(int(seconds * rate)) / rate
    return largest * (0.5 - 0.5 * np.cos(2 * np.pi * 4 * time))


def test_the_range_is_that_of_the_syllables():
    talk = syllables(8, 0.2)
    found = mouth_range(rows(talk, 0.8 + 0.1 * talk), RATE)
    assert found is not None
    assert found.seconds == pytest.approx(8, abs=0.1)
    assert found.opening == pytest.approx((0.0, 0.1, 0.2), abs=0.01)
    assert found.opening_spread == pytest.approx(0.2 / np.sqrt(8), rel=0.03)
    assert found.width_spread == pytest.approx(0.02 / np.sqrt(8), rel=0.03)


def test_a_mouth_at_rest_changes_nothing_however_long():
    noise = np.random.default_rng(1).normal(0.12, 0.003, 25 * 60)
    talk = syllables(8, 0.2)
    alone = mouth_range(rows(talk), RATE)
    mixed = mouth_range(rows(np.concatenate([noise, talk, noise])), RATE)
    assert alone is not None and mixed is not None
    assert mixed.opening_spread == pytest.approx(alone.opening_spread, rel=0.1)


@pytest.mark.parametrize("opening", [np.full(500, 0.3), syllables(0.3, 0.2), np.zeros(0)])
def test_who_does_not_speak_has_no_range(opening):
    noise = np.random.default_rng(2).normal(0, 0.003, len(opening))
    assert mouth_range(rows(opening + noise), RATE) is None


def test_the_jump_at_a_gap_in_the_track_is_no_movement():
    opening = np.concatenate([np.full(250, 0.0), np.full(250, 0.3)])
    frames = np.concatenate([np.arange(250), np.arange(900, 1150)])
    assert mouth_range(rows(opening, frames=frames), RATE) is None
    assert mouth_range(rows(opening), Fraction(1)) is not None
