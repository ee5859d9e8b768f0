"""The MFCCs are those of python_speech_features, in pieces of any size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lipsync_syncnet.mfcc import MfccStream

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def wave(recipe) -> np.ndarray:
    """One second of int16 with silence and a stretch at both limits."""
    made = recipe.wave("syncnet_mfcc", 16_000)
    made[6000:8000] = 0
    made[9000:9010], made[9010:9020] = 32767, -32768
    return made


def as_float(wave: np.ndarray) -> np.ndarray:
    return (wave / 32768).astype(np.float32)


def test_rows_are_those_that_the_package_gave(wave):
    with np.load(DATA / "mfcc.npz") as stored:
        wanted = stored["rows"]
    rows = MfccStream().push(as_float(wave))
    assert rows.shape == (98, 13) and len(wanted) == 99, "its last row is filled up with zeros"
    assert np.abs(rows - wanted[:98]).max() < 1e-4
    assert rows[:, 0].min() == pytest.approx(np.log(np.finfo(float).eps)), "silence is a number"


@pytest.mark.parametrize("scale", [1.0, 1e-4, 3.0])
def test_rows_are_those_of_the_package_that_is_installed(scale):
    package = pytest.importorskip("python_speech_features", reason="extra `test`")
    sound = np.random.default_rng(3).normal(0, 0.3 * scale, 12_345).astype(np.float32)
    whole = np.clip(np.rint(sound.astype(np.float64) * 32768), -32768, 32767).astype(np.int16)
    rows = MfccStream().push(sound)
    assert np.abs(rows - package.mfcc(whole, 16_000)[: len(rows)]).max() < 1e-4


@pytest.mark.parametrize("size", [1, 159, 400, 401, 7000])
def test_pieces_of_any_size_give_the_same_rows(wave, size):
    sound = as_float(wave)[:8800]
    stream = MfccStream()
    pieces = [stream.push(sound[at : at + size]) for at in range(0, len(sound), size)]
    pieces.append(stream.push(sound[:0]))
    assert np.allclose(np.concatenate(pieces), MfccStream().push(sound), rtol=0, atol=1e-5)


def test_a_row_needs_its_whole_window():
    stream = MfccStream()
    assert stream.push(np.ones(399, np.float32)).shape == (0, 13)
    assert stream.push(np.ones(1, np.float32)).shape == (1, 13)
    assert stream.push(np.ones(159, np.float32)).shape == (0, 13)
    assert stream.push(np.ones(1, np.float32)).shape == (1, 13)
