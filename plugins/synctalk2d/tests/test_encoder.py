"""The encoder's rows: at 25 frames a second the original's, at any other rate those of the same time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from lipsync_synctalk2d import compat, frame_rows
from lipsync_synctalk2d.audio_runtime import AveRuntime
from lipsync_synctalk2d.encoder import AveWindows
from lipsync_synctalk2d.frame_rows import FrameRows
from lipsync_synctalk2d.spec import AVE_FILE, ENCODER

from lipsync_core.contracts import OpenContext
from lipsync_core.errors import PluginFault, PluginUnavailable
from lipsync_core.testing import recipe

SOUND = recipe.wave("st_wav", 27_231)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def heard(windows: np.ndarray) -> np.ndarray:
    """In place of the network: 512 numbers that tell windows apart."""
    return np.ascontiguousarray(windows.reshape(len(windows), -1)[:, :512])


def test_in_the_middle_a_frame_hears_what_the_original_lets_it_hear(ave: Path):
    runtime = AveRuntime(ave, "cpu", threads=1)
    stream = FrameRows(runtime.encode, Fraction(25))
    rows = np.concatenate([stream.push(SOUND), stream.flush()])
    there = compat.rows(SOUND, runtime.encode)
    assert len(rows) == 43
    assert len(there) == 41
    apart = [
        np.abs(rows[k].reshape(16, 512) - compat.rows_of_frame(there, k)).max() for k in range(41)
    ]
    # The first nine reach before the beginning, where the original has zeros, the last ones past the end.
    assert max(apart[9:32]) < 1e-5
    assert min(apart[:8]) > 1e-3


@pytest.mark.parametrize("fps", [Fraction(24000, 1001), Fraction(30), Fraction(60)])
def test_at_other_rates_windows_begin_at_the_same_distances(fps: Fraction):
    usual = frame_rows.first_columns(50, Fraction(25))
    frame = 2 * fps
    if frame.denominator == 1:
        assert frame_rows.first_columns(int(frame), fps) == usual
    for k in range(0, 400, 7):
        time = float(k / fps)
        starts = np.array(frame_rows.first_columns(k, fps)) / 80
        wanted = time + (np.arange(16) - 9) / 25
        assert ((wanted - starts > -1e-9) & (wanted - starts < 1 / 80)).all()


def test_windows_are_encoded_once_and_old_ones_forgotten():
    asked: list[int] = []

    def encode(windows: np.ndarray) -> np.ndarray:
        asked.append(len(windows))
        return heard(windows)

    stream = FrameRows(encode, Fraction(25))
    long = np.tile(SOUND, 12)
    rows = sum(len(stream.push(long[at : at + 160])) for at in range(0, len(long), 160))
    assert rows > 490
    assert sum(asked) == rows + 15
    assert len(stream._rows) <= 16
    assert len(stream._columns) < 80


@pytest.mark.parametrize("fps", [Fraction(1), Fraction(1, 2)])
def test_a_slide_show_hears_the_right_moments(fps: Fraction):
    sound = np.concatenate([recipe.wave("slides", 16_000 * 5 + 77), SOUND])
    whole, pieces = FrameRows(heard, fps), FrameRows(heard, fps)
    expected = np.concatenate([whole.push(sound), whole.flush()])
    rows = [pieces.push(sound[at : at + 700]) for at in range(0, len(sound), 700)]
    assert np.array_equal(np.concatenate([*rows, pieces.flush()]), expected)
    usual = FrameRows(heard, Fraction(25))
    all_rows = np.concatenate([usual.push(sound), usual.flush()])
    assert np.array_equal(expected, all_rows[:: int(25 / fps)])


def test_silence_surrounds_the_sound():
    stream = FrameRows(heard, Fraction(25))
    rows = np.concatenate([stream.push(np.zeros(8000, np.float32)), stream.flush()])
    assert rows.shape == (13, 32, 16, 16)
    assert (rows == -4).all()


def test_nan_counts_as_silence():
    holes = SOUND.copy()
    holes[5000:5100] = np.nan
    filled = np.nan_to_num(holes)
    one, other = FrameRows(heard, Fraction(25)), FrameRows(heard, Fraction(25))
    assert np.array_equal(one.push(holes), other.push(filled))


def test_it_says_what_is_wrong(ave: Path):
    encoder = AveWindows()
    with pytest.raises(PluginFault, match="before it was opened"):
        encoder.stream(16_000, Fraction(25))
    with pytest.raises(PluginUnavailable, match=AVE_FILE):
        encoder.open(OpenContext())
    encoder.open(OpenContext(weights={AVE_FILE: ave}))
    with pytest.raises(PluginFault, match="44100 Hz"):
        encoder.stream(44_100, Fraction(25))
    encoder.close()
    assert ENCODER.lookahead == pytest.approx(frame_rows.LOOKAHEAD)
