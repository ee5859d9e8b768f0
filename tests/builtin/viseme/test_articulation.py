"""Articulation curves: targets reached, closures never lost, rest is zero, time is exact."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from lipsync_core.builtin.viseme.articulation import (
    JAW,
    LEAD,
    PRESS,
    PUCKER,
    REST,
    STEP,
    TUCK,
    TUCK_GAIN,
    WIDE,
    ArticulationStream,
    lookahead,
)
from lipsync_core.builtin.viseme.targets import CURVES, DOMINANCE, TARGETS, VISEMES

RATES = [
    Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001),
    Fraction(30), Fraction(50), Fraction(60000, 1001),
]  # fmt: skip


def spoken(*sounds: tuple[str, int]) -> np.ndarray:
    """("aa", 10) is the viseme aa for 10 steps of 20 ms."""
    names = [name for name, steps in sounds for _ in range(steps)]
    return np.eye(len(VISEMES), dtype=np.float32)[[VISEMES.index(name) for name in names]]


def rows(weights: np.ndarray, fps: Fraction, loudness: float = 1.0) -> np.ndarray:
    return ArticulationStream(fps).push(weights, np.full(len(weights), loudness))


def poses(weights: np.ndarray, fps: Fraction = Fraction(25), loudness: float = 1.0) -> np.ndarray:
    return rows(weights, fps, loudness)[:, len(VISEMES) :]


def test_tables_fit_each_other() -> None:
    assert TARGETS.shape == DOMINANCE.shape == (15, 8)
    assert (TARGETS[0] == REST).all()
    assert (DOMINANCE > 0).all()


def test_silence_is_the_rest_pose() -> None:
    np.testing.assert_array_equal(poses(spoken(("sil", 60))), np.tile(REST, (28, 1)))


@pytest.mark.parametrize(
    ("viseme", "curve", "value"),
    [
        ("aa", JAW, 0.6),
        ("ih", WIDE, 0.6),
        ("ou", PUCKER, 1.0),
        ("PP", PRESS, 1.0),
        ("FF", TUCK, 1.0),
    ],
)
def test_a_held_sound_reaches_its_target(viseme: str, curve: int, value: float) -> None:
    middle = poses(spoken((viseme, 80)))[25]
    assert middle[curve] == pytest.approx(value, abs=0.02)


def test_closed_lips_hold_the_jaw() -> None:
    middle = poses(spoken(("aa", 30), ("PP", 8), ("aa", 30)))
    closed = middle[middle[:, PRESS].argmax()]
    assert closed[PRESS] > 0.9
    assert closed[JAW] < 0.06
    assert middle[:, JAW].max() > 0.55


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("start", range(20, 30))
def test_no_short_closure_is_lost_between_frames(fps: Fraction, start: int) -> None:
    """40 ms of p between open vowels, wherever it falls against the frames."""
    made = poses(spoken(("aa", start), ("PP", 2), ("aa", 40)), fps)
    assert made[:, PRESS].max() > 0.4, "closure lost"
    frame = int(made[:, PRESS].argmax())
    assert made[frame, JAW] < 0.4
    centre = (start + Fraction(1, 2)) * STEP
    assert abs(frame / fps + LEAD - centre) <= 1 / fps


@pytest.mark.parametrize("fps", RATES)
def test_row_k_is_of_time_k_over_fps(fps: Fraction) -> None:
    """A sound that begins at 1 s: the lip is half way under the teeth LEAD before it, at every rate."""
    made = poses(spoken(("sil", 50), ("FF", 50)), fps)[:, TUCK]
    frame = int(np.argmax(made > 0.5 * TUCK_GAIN))
    assert float(frame / fps) == pytest.approx(1.0 - float(LEAD), abs=float(1 / fps) + 0.02)


def test_lips_stay_parted_in_the_pause_between_two_words() -> None:
    """A tenth of a second without a sound is no reason to close, half a second is."""
    short = poses(spoken(("E", 30), ("sil", 5), ("E", 30)))[8:25, JAW]
    long = poses(spoken(("E", 30), ("sil", 25), ("E", 30)))[8:30, JAW]
    assert short.min() > 0.05
    assert long.min() < 0.01


@pytest.mark.parametrize("fps", RATES)
def test_rows_come_as_early_as_the_lookahead_says(fps: Fraction) -> None:
    stream = ArticulationStream(fps)
    weights = spoken(("aa", 100))
    given = 0
    for step, row in enumerate(weights):
        given += len(stream.push(row[None], np.ones(1)))
        known = step * STEP
        due = math.floor((known - lookahead(fps)) * fps) + 1
        assert given >= due
    assert given > 0


@pytest.mark.parametrize("seed", range(5))
def test_chunks_give_the_bits_of_the_whole(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.full(15, 0.2), 150).astype(np.float32)
    loudness = rng.uniform(0, 1.1, 150)
    cuts = np.sort(rng.integers(0, 150, 12))
    stream = ArticulationStream(RATES[seed])
    pieces = [
        stream.push(some, loud)
        for some, loud in zip(np.split(weights, cuts), np.split(loudness, cuts), strict=True)
    ]
    whole = ArticulationStream(RATES[seed]).push(weights, loudness)
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_quiet_speech_opens_less_and_closes_as_much() -> None:
    sounds = spoken(("aa", 30), ("PP", 6), ("aa", 30))
    loud, quiet = poses(sounds), poses(sounds, loudness=0.3)
    assert quiet[:, JAW].max() < 0.4 * loud[:, JAW].max()
    assert quiet[:, PRESS].max() == pytest.approx(loud[:, PRESS].max())


def test_memory_does_not_grow() -> None:
    stream = ArticulationStream(Fraction(25))
    weights = spoken(("aa", 2000))
    stream.push(weights, np.ones(len(weights)))
    assert len(stream._poses) < 40
    assert len(stream._weights) < 40


def test_columns_are_weights_then_curves() -> None:
    made = rows(spoken(("FF", 60)), Fraction(25))
    assert made.shape[1] == len(VISEMES) + len(CURVES)
    np.testing.assert_allclose(made[:, : len(VISEMES)].sum(1), 1)
    assert made[10, VISEMES.index("FF")] == 1
