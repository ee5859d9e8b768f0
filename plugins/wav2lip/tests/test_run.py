"""From the command line: a whole video, and the chain where the weights are missing or damaged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from lipsync_core import samples
from lipsync_core.media.still import read_still
from lipsync_core.testing.inputs import PORTRAIT_FACE, voice

SECONDS = 0.6
FRAMES = 15


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "voice.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((voice(16_000, SECONDS) * 32767).astype("<i2").tobytes())
    return path


def run(folder: Path, sound: Path, *words: str) -> tuple[dict[str, Any], Path]:
    """`lipsync run` on the bundled portrait, which keeps still."""
    out = folder / f"out{len(list(folder.glob('*.mp4')))}.mp4"
    done = subprocess.run(
        [sys.executable, "-m", "lipsync_core", "run", str(samples.portrait()), str(sound), "-o", str(out),
         "--still", "--json", "--silence", "generate", "--crf", "1", *words],
        capture_output=True, text=True, timeout=120, check=False, env=os.environ | {"COLUMNS": "300"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), out


def pictures(path: Path) -> np.ndarray:
    with av.open(str(path)) as file:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])


def changed(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """`(H, W)`: what differs clearly in any frame."""
    return (np.abs(one.astype(int) - other).max(axis=(0, 3))) > 24


def test_a_video_by_wav2lip(home, checkpoint: Path, tmp_path: Path, sound: Path):
    home(checkpoint)
    report, out = run(tmp_path, sound, "--generator", "wav2lip", "--strict")
    assert report["chain"]["used"] == {"wav2lip": FRAMES}
    assert report["chain"]["attempts"] == []
    made = pictures(out)
    assert len(made) == FRAMES
    _, plain = run(tmp_path, sound)
    where = changed(made, pictures(plain))
    x0, y0, x1, y1 = (int(v) for v in PORTRAIT_FACE)
    middle = (y0 + y1) // 2
    assert where[middle + 20 : y1 - 10, x0 + 30 : x1 - 30].mean() > 0.9  # around the mouth
    assert not where[y0 : y0 + 30].any()  # not the forehead
    where[y0 - 8 : y1 + 16, x0 - 8 : x1 + 8] = False
    assert not where.any()  # nothing outside the face
    assert np.abs(np.diff(made[:, middle + 10 : y1].astype(int), axis=0)).max() > 8  # it moves


def test_the_originals_hard_rectangle_can_be_had(
    home, checkpoint: Path, tmp_path: Path, sound: Path
):
    home(checkpoint)
    words = ("--option", "wav2lip.compat=true", "--blender", "wav2lip-paste")
    report, hard = run(tmp_path, sound, "--generator", "wav2lip", *words)
    assert report["chain"]["used"] == {"wav2lip": FRAMES}
    where = changed(pictures(hard), read_still(samples.portrait())[None])
    x0, y0, x1, _ = (int(v) for v in PORTRAIT_FACE)
    assert where[y0 + 5 : y0 + 30, x0 + 10 : x1 - 10].mean() > 0.5  # the forehead is replaced, too


def test_without_weights_the_chain_moves_on_and_says_why(home, tmp_path: Path, sound: Path):
    home()
    report, out = run(tmp_path, sound, "--generator", "wav2lip")
    (attempt,) = report["chain"]["attempts"]
    assert (attempt["generator"], attempt["phase"]) == ("wav2lip", "probe")
    assert "its weights are not here: wav2lip_gan.pth or wav2lip.pth" in attempt["reason"]
    assert report["chain"]["used"] == {"viseme": FRAMES}
    assert len(pictures(out)) == FRAMES


def test_with_a_damaged_checkpoint_the_chain_moves_on_and_names_it(
    home, checkpoint: Path, tmp_path: Path, sound: Path
):
    damaged = tmp_path / "wav2lip_gan.pth"
    with checkpoint.open("rb") as file:
        damaged.write_bytes(file.read(10_000_000))
    home(damaged)
    report, _ = run(tmp_path, sound, "--generator", "wav2lip")
    (attempt,) = report["chain"]["attempts"]
    assert (attempt["generator"], attempt["phase"]) == ("wav2lip", "open")
    assert "wav2lip_gan.pth" in attempt["reason"]
    assert attempt["hint"]
    assert report["chain"]["used"] == {"viseme": FRAMES}
