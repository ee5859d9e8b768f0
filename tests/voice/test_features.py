"""Features on disk: the row of each frame's time, whole files only, bad encoders named."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lipsync_core.errors import PluginFault
from lipsync_core.voice.features import encode


class Counting:
    """One row a tick of 1/25 s: its number, twice."""

    def __init__(self, shape=(2,), value=None, lose=0):
        self.shape, self.value, self.lose = shape, value, lose
        self.heard = self.given = 0

    def rows(self, until):
        made = np.arange(self.given, until, dtype=np.float32)
        self.given = max(self.given, until)
        rows = np.broadcast_to(made.reshape(-1, *[1] * len(self.shape)), (len(made), *self.shape))
        return rows if self.value is None else np.full_like(rows, self.value)

    def push(self, samples):
        self.heard += len(samples)
        return self.rows(self.heard * 25 // 16000 - self.lose)

    def flush(self):
        return self.rows(-(-self.heard * 25 // 16000) - self.lose)


def blocks(samples):
    return (np.zeros(n, np.float32) for n in (samples // 3, samples - samples // 3))


def written(tmp_path, stream, samples=16000, seconds=Fraction(1), shape=(2,)):
    path = tmp_path / "f.f32"
    return encode(
        blocks(samples), 16000, seconds, stream, shape, Fraction(25), path, "The test encoder"
    )


def test_rows_are_found_by_time(tmp_path):
    rows = written(tmp_path, Counting())
    times = [Fraction(0), Fraction(1, 25), Fraction(1, 2), Fraction(24, 25), Fraction(9)]
    assert rows.at(times)[:, 0].tolist() == [0, 1, 12, 24, 24]
    assert written(tmp_path, Counting(()), shape=()).at([Fraction(3, 25)]).tolist() == [3.0]


@pytest.mark.parametrize("samples", [1600, 16000, 48000])
def test_silence_follows_a_short_voice_and_a_long_one_is_cut(tmp_path, samples):
    stream = Counting()
    rows = written(tmp_path, stream, samples)
    assert stream.heard == 16000
    assert rows.at([Fraction(24, 25)])[0, 0] == 24


@pytest.mark.parametrize(
    "stream",
    [Counting((3,)), Counting(value=np.nan), Counting(lose=3)],
    ids=["shape", "nan", "lost"],
)
def test_an_encoder_that_breaks_its_word_is_named(tmp_path, stream):
    with pytest.raises(PluginFault, match="The test encoder gave"):
        written(tmp_path, stream)
    assert not (tmp_path / "f.f32").exists()
