"""Rows of silence: at rest, with lips that part before speech, and nothing else changed."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from lipsync_core.voice.features import FeatureFile
from lipsync_core.voice.resting import BREATH, RISE, anticipation, rested

RATES = [Fraction(24000, 1001), Fraction(25), Fraction(60000, 1001), Fraction(100)]


def file_of(path, rows, clock):
    path.write_bytes(np.ascontiguousarray(rows, np.float32).tobytes())
    return FeatureFile(path, rows.shape[1:], clock)


@pytest.mark.parametrize("fps", RATES)
def test_lips_part_before_speech_and_only_then(fps):
    speech = np.zeros(int(4 * fps), np.float32)
    first, last = int(2 * fps), int(3 * fps)
    speech[first:last] = 1.0
    due = anticipation(speech, fps)
    begin = first - math.ceil(BREATH * fps)
    full = first - math.floor((BREATH - RISE) * fps)
    assert (due[: begin + 1] == 0).all() and (due[first:] == 0).all()
    assert (due[full:first] == 1).all()
    assert (np.diff(due[begin : full + 1]) >= 0).all() and due[(begin + full) // 2 + 1] > 0.2


def test_no_speech_parts_no_lips():
    assert not anticipation(np.zeros(100, np.float32), Fraction(25)).any()
    assert len(anticipation(np.zeros(0, np.float32), Fraction(25))) == 0


def test_rows_are_zero_in_silence_parted_before_speech_and_as_given_in_speech(tmp_path):
    rate = Fraction(25)
    rows = np.random.default_rng(0).uniform(1, 2, (3000, 3)).astype(np.float32)
    speech = np.zeros(3000, np.float32)
    speech[1500:2000] = 1.0
    speech[2000] = 0.5
    made = rested(
        file_of(tmp_path / "rows", rows, rate),
        file_of(tmp_path / "speech", speech, rate),
        (0.0, 0.3, 0.0),
        tmp_path / "made",
    )
    assert made.rows == 3000
    got = made.read(0, 3000)
    np.testing.assert_array_equal(got[1500:2000], rows[1500:2000])
    np.testing.assert_allclose(got[2000], 0.5 * rows[2000])
    np.testing.assert_allclose(got[1495], (0.0, 0.3, 0.0))
    assert not got[:1480].any() and not got[2001:].any()
    assert not (tmp_path / "made.part").exists()


def test_without_parted_lips_silence_is_zero_until_speech_begins(tmp_path):
    rate = Fraction(25)
    speech = np.concatenate([np.zeros(50), np.ones(50)]).astype(np.float32)
    rows = file_of(tmp_path / "rows", np.ones((120, 2, 2)), rate)  # longer than what was judged
    made = rested(rows, file_of(tmp_path / "speech", speech, rate), (), tmp_path / "made")
    got = made.read(0, 120)
    assert got.shape == (120, 2, 2)
    assert not got[:50].any() and (got[50:] == 1).all()
