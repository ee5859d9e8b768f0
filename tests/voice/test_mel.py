"""The mel encoder: the original front end's numbers, and the same numbers however the sound arrives."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lipsync_core.builtin.plugin import MEL
from lipsync_core.errors import PluginFault
from lipsync_core.testing import recipe
from lipsync_core.voice.mel import BANDS, COLUMNS, MelEncoder, MelStream, _Columns


def test_columns_match_the_original_front_end(parity):
    sound = recipe.wave("w2l_wav", 16000 * 2 + 123)
    columns = _Columns()
    mel = np.concatenate([columns.push(sound), columns.flush()]).T
    parity.check("wav2lip_mel", "mel_reflect", mel)


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(24000, 1001), Fraction(30), Fraction(60)])
def test_windows_begin_at_the_frames_time(fps):
    sound = recipe.wave("w2l_wav", 16000 * 2 + 123)
    columns = _Columns()
    mel = np.concatenate([columns.push(sound), columns.flush()])
    stream = MelStream(fps)
    rows = np.concatenate([stream.push(sound), stream.flush()])
    assert len(rows) == -(-len(sound) * fps // 16000)
    for k, row in enumerate(rows):
        start = min(int(80 * k / fps), len(mel) - COLUMNS)
        assert np.array_equal(row, mel[start : start + COLUMNS].T)


@pytest.mark.parametrize(
    "sizes", [[1] * 900 + [10**6], [160, 10**6], [399, 2, 7000, 10**6], [10**6]]
)
def test_any_pushes_give_the_same_rows(sizes):
    sound = recipe.wave("mel", 9000)
    whole = MelStream(Fraction(25))
    expected = np.concatenate([whole.push(sound), whole.flush()])
    stream, rows, at = MelStream(Fraction(25)), [], 0
    for size in sizes:
        rows.append(stream.push(sound[at : at + size]))
        at += size
    got = np.concatenate([*rows, stream.flush()])
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() < 1e-5


@pytest.mark.parametrize("samples", [0, 1, 2, 399, 400, 401, 3200])
def test_short_sounds_give_whole_windows(samples):
    stream = MelStream(Fraction(25))
    rows = np.concatenate([stream.push(np.full(samples, 0.1, np.float32)), stream.flush()])
    assert rows.shape == (-(-samples * 25 // 16000), BANDS, COLUMNS)
    assert np.isfinite(rows).all()


def test_windows_of_other_widths_hold_the_same_columns():
    """LatentSync's SyncNet wants 52 columns."""
    sound = recipe.wave("wide", 16_000)
    narrow, wide = (MelStream(Fraction(25), columns) for columns in (COLUMNS, 52))
    sixteen = np.concatenate([narrow.push(sound), narrow.flush()])
    parts = [wide.push(sound[:700]), wide.push(sound[700:]), wide.flush()]
    rows = np.concatenate(parts)
    assert rows.shape == (25, BANDS, 52)
    assert np.array_equal(rows[:9, :, :16], sixteen[:9])
    assert np.array_equal(rows[0, :, 16:32], sixteen[5])
    assert np.array_equal(rows[-1], rows[-2]), "the last ones share the last columns"


def test_rows_come_within_the_declared_lookahead():
    stream, fps = MelStream(Fraction(25)), 25
    given = 0
    for second in range(1, 40):
        given += len(stream.push(np.zeros(800, np.float32)))
        heard = second * 800 / 16000
        assert given / fps >= heard - MEL.lookahead - 1 / fps
        assert given <= (heard + 1 / fps) * fps


def test_other_sample_rates_are_refused():
    with pytest.raises(PluginFault, match="8000 Hz"):
        MelEncoder().stream(8000, Fraction(25))
