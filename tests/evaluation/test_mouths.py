"""The mouth against a reference's: size, speed, time and width of its movement."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from lipsync_core.evaluation.mouths import MouthComparison

RATE = 25


def face(opening, width):
    """A face of 68 points with eyes 100 apart."""
    points = np.zeros((68, 2), np.float32)
    points[36:42], points[42:48] = (100, 100), (200, 100)
    points[62], points[66] = (150, 200), (150, 200 + 100 * opening)
    points[48], points[54] = (150 - 50 * width, 200), (150 + 50 * width, 200)
    return SimpleNamespace(landmarks=points)


def talk(count=200, seed=0):
    noise = np.random.default_rng(seed).normal(size=count + 8)
    smooth = np.convolve(noise, np.hanning(9), "valid")
    return 0.1 + 0.05 * smooth / smooth.std()


def compared(mine, its, scheme="68"):
    comparison = MouthComparison(RATE)
    for a, b in zip(mine, its, strict=True):
        comparison.add(
            None if a is None else face(*a), None if b is None else face(*b), (scheme, scheme)
        )
    return comparison


def test_a_mouth_that_opens_twice_as_far_two_frames_late():
    true, wide = talk(), talk(seed=1)
    late = np.concatenate([[true[0]] * 2, true[:-2]])
    made = compared(zip(2 * late, wide, strict=True), zip(true, wide, strict=True)).figures()
    assert made["mouth_spread"] == pytest.approx(2, rel=0.03)
    assert made["mouth_movement"] == pytest.approx(2, rel=0.03)
    assert made["mouth_lag_ms"] == pytest.approx(80, abs=3)
    assert made["mouth_correlation"] < 0.9
    assert made["width_correlation"] == pytest.approx(1)
    assert made["opening_p95"] == pytest.approx(2 * made["reference_p95"], rel=0.03)


def test_other_words_agree_with_nothing():
    made = compared(zip(talk(), talk(seed=2), strict=True), zip(talk(seed=3), talk(), strict=True))
    assert abs(made.figures()["mouth_correlation"]) < 0.3


def test_frames_without_a_face_count_in_neither():
    true = [(o, 0.8) for o in talk()]
    mine = [None if 60 <= n < 90 else pair for n, pair in enumerate(true)]
    made = compared(mine, true)
    figures = made.figures()
    assert figures["mouth_correlation"] == pytest.approx(1)
    assert figures["mouth_spread"] == figures["mouth_movement"] == 1.0
    assert np.isnan(made.curves()["video"][60:90]).all()
    assert np.isfinite(made.curves()["reference"]).all()


@pytest.mark.parametrize(
    "its", [[(0.1, 0.8)] * 200, [None] * 200, []], ids=["still", "no face", "no frames"]
)
def test_a_reference_that_does_not_speak_gives_no_ratios(its):
    mine = [(o, 0.8) for o in talk()][: len(its)]
    assert compared(mine, its).figures().keys() <= {"opening_p95", "reference_p95"}


def test_five_points_show_no_lips():
    pairs = [(o, 0.8) for o in talk()]
    assert compared(pairs, pairs, scheme="5").figures() == {}
