"""Nods and lifts come with stressed syllables, stay away in pauses, and are the same live."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from lipsync_core.voice.emphasis import LOOKAHEAD, NOD_EVERY, SAMPLE_RATE, EmphasisStream

FPS = Fraction(25)
STRESSED = (2, 6, 10, 14)


def syllables(levels, gap=0.25):
    """A hum of 0.15 s each `gap` seconds, at these levels in dB."""
    count = int(gap * SAMPLE_RATE)
    time = np.arange(int(0.15 * SAMPLE_RATE))
    hum = np.sin(2 * np.pi * 150 * time / SAMPLE_RATE) * np.hanning(len(time))
    out = np.zeros(count * len(levels), np.float32)
    for n, level in enumerate(levels):
        out[n * count : n * count + len(hum)] = 10 ** (level / 20) * hum
    return out


def rows(sound, fps=FPS, pieces=1):
    stream = EmphasisStream(fps)
    parts = [stream.push(part) for part in np.array_split(sound, pieces)]
    return np.concatenate([*parts, stream.flush()])


@pytest.fixture(scope="module")
def talk():
    return syllables([-14.0 if n in STRESSED else -20.0 for n in range(18)])


def test_the_head_nods_on_the_stressed_syllables(talk):
    nod = rows(talk)[:, 0]
    for n in range(4, 18):
        peak = nod[int((n * 0.25 + 0.05) * 25) : int((n * 0.25 + 0.2) * 25) + 1].max()
        if n in STRESSED:
            assert peak > 0.6, n
    assert nod[int(4.1 * 25) :].max() < 0.5, "the last ones are not stressed"


def test_brows_rise_seldom_and_only_with_strong_stress(talk):
    lift = rows(talk)[:, 1]
    begins = np.flatnonzero((lift[1:] > 0.02) & (lift[:-1] <= 0.02))
    assert 1 <= len(begins) <= 3
    even = rows(syllables([-20.0] * 18))
    assert even[:, 1].max() == 0 and even[25:, 0].max() < 0.35


@pytest.mark.parametrize("sound", [np.zeros(32000), np.full(32000, 1e-4), np.zeros(0), np.ones(1)])
def test_pauses_are_still(sound):
    made = rows(sound.astype(np.float32))
    assert made.shape == (math.ceil(len(sound) * FPS / SAMPLE_RATE), 2)
    assert not made.any()


def test_a_pause_after_speech_comes_to_rest(talk):
    made = rows(np.concatenate([talk, np.zeros(2 * SAMPLE_RATE, np.float32)]))
    assert not made[-25:].any()


@pytest.mark.parametrize("fps", [Fraction(24000, 1001), Fraction(25), Fraction(60)])
@pytest.mark.parametrize("pieces", [3, 97])
def test_live_rows_are_those_of_the_whole_and_come_in_time(talk, fps, pieces):
    assert np.array_equal(rows(talk, fps, pieces), rows(talk, fps))
    stream, given = EmphasisStream(fps), 0
    for heard, piece in enumerate(np.array_split(talk, 450), 1):
        given += len(stream.push(piece))
        assert given >= math.floor((heard * len(talk) / 450 / SAMPLE_RATE - LOOKAHEAD - 0.02) * fps)


def test_later_sound_changes_no_row_that_was_given(talk):
    stream = EmphasisStream(FPS)
    head = stream.push(talk[: 2 * SAMPLE_RATE])
    assert len(head) and np.array_equal(head, rows(talk)[: len(head)])


def test_nods_keep_their_distance():
    wild = syllables([-30.0, -10.0] * 20, gap=0.16)
    nod = rows(wild, Fraction(100))[:, 0]
    begins = np.flatnonzero((nod[1:] > 0) & (nod[:-1] == 0)) / 100
    assert len(begins) < 2 or np.diff(begins).min() >= NOD_EVERY - 0.02


def test_memory_does_not_grow(talk):
    stream = EmphasisStream(FPS)
    for _ in range(40):
        stream.push(talk)
    assert len(stream._nods) < 4 and len(stream._lifts) < 4 and len(stream._pending) < SAMPLE_RATE
