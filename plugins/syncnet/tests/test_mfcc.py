"""The MFCCs are those of python_speech_features, in pieces of any size."""

from __future__ import annotations

import numpy as np
import pytest
from lipsync_syncnet.mfcc import MfccStream

from lipsync_core.testing import recipe


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    """One second with silence and a span at both limits of 16 bits."""
    made = recipe.wave("syncnet_mfcc", 16_000)
    made[6000:8000] = 0
    made[9000:9010], made[9010:9020] = 1, -1
    return made


def test_rows_are_those_that_the_package_gave(parity, sound):
    rows = MfccStream().push(sound)
    parity.check("mfcc", "rows", rows)
    assert rows[:, 0].min() == pytest.approx(np.log(np.finfo(float).eps)), "silence is a number"


@pytest.mark.parametrize("scale", [1.0, 1e-4, 3.0])
def test_rows_are_those_of_the_package_that_is_installed(scale):
    package = pytest.importorskip("python_speech_features", reason="extra `test`")
    sound = np.random.default_rng(3).normal(0, 0.3 * scale, 12_345).astype(np.float32)
    whole = np.clip(np.rint(sound.astype(np.float64) * 32768), -32768, 32767).astype(np.int16)
    rows = MfccStream().push(sound)
    wanted = package.mfcc(whole, 16_000)
    assert len(wanted) == len(rows) + 1, "its last row is filled up with zeros"
    assert np.abs(rows - wanted[:-1]).max() < 1e-4


@pytest.mark.parametrize("size", [1, 159, 400, 401, 7000])
def test_pieces_of_any_size_give_the_same_rows(sound, size):
    sound = sound[:8800]
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
