"""What plugin authors make whole runs with: one of a generator that shows, and folders of a test's own."""

from __future__ import annotations

import os
import wave
from pathlib import Path

import numpy as np
import pytest

from lipsync_core.conformance import inputs
from lipsync_core.machine import places
from lipsync_core.testing import changed, lipsync, talk, write_voice
from lipsync_core.testing import own_home as own_home


def test_the_bundled_generator_moves_the_mouth_and_nothing_else(own_home, tmp_path: Path):
    own_home()
    made = talk(tmp_path, 5, "--generator", "viseme", "--strict")
    assert made.report["chain"]["used"] == {"viseme": 5}
    assert made.frames.shape == (5, 512, 512, 3)
    seen = changed(made.frames[1:], made.frames[:-1])
    assert seen.mouth > 0
    assert (seen.forehead, seen.outside) == (0, 0)
    again = talk(tmp_path, 5)
    assert again.path != made.path
    assert changed(made.frames, again.frames) == changed(made.frames, made.frames)


@pytest.mark.parametrize(
    "rows, columns, where",
    [((140, 150), (215, 235), "mouth"), ((70, 80), (200, 240), "forehead"), ((0, 9), (0, 9), "outside")],
)  # fmt: skip
def test_each_place_is_looked_at(rows: tuple[int, int], columns: tuple[int, int], where: str):
    before = np.repeat(inputs.portrait()[None], 2, axis=0)
    after = before.copy()
    after[1, slice(*rows), slice(*columns)] ^= 0x80
    seen = changed(after, before)
    for name in ("mouth", "forehead", "outside"):
        assert (getattr(seen, name) > 0) is (name == where)


def test_a_run_that_fails_says_why(own_home, tmp_path: Path):
    own_home()
    with pytest.raises(AssertionError, match="nobody"):
        talk(tmp_path, 5, "--generator", "nobody", "--strict")


def test_the_voice_is_as_long_as_the_frames(tmp_path: Path):
    path = write_voice(tmp_path / "voice.wav", 10)
    with wave.open(str(path)) as file:
        assert (file.getnframes(), file.getframerate()) == (6400, 16_000)
        heard = np.frombuffer(file.readframes(6400), "<i2")
    assert np.abs(heard).max() > 1000


def test_a_home_of_its_own_with_weight_files(own_home, tmp_path: Path):
    one, other = tmp_path / "one.pth", tmp_path / "other.pth"
    one.write_text("one")
    other.write_text("other")
    home = own_home()
    assert Path(os.environ["LIPSYNC_HOME"]) == home
    assert own_home({"mymodel/deep/net.pth": one}) == home
    placed = places.weights() / "mymodel" / "deep" / "net.pth"
    assert placed.read_text() == "one"
    own_home({"mymodel/deep/net.pth": other})
    assert (placed.read_text(), one.read_text()) == ("other", "one")
    assert str(home) in lipsync("doctor", "--json").stdout
