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
from lipsync_core.testing.inputs import PORTRAIT_FACE, voice

SECONDS = 0.4
FRAMES = 10


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


def test_a_video_from_upstreams_folders(home, persons, ave: Path, tmp_path: Path, sound: Path):
    home({"synctalk2d/model/checkpoints/audio_visual_encoder.pth": ave})
    folder = tmp_path / "SyncTalk_2D" / "checkpoint" / "May"
    folder.mkdir(parents=True)
    (folder / "99.pth").hardlink_to(persons[328])
    words = ("--generator", "synctalk2d", "--option", f"synctalk2d.person={folder}", "--strict")
    report, out = run(tmp_path, sound, *words)
    assert report["chain"]["used"] == {"synctalk2d": FRAMES}
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


def test_the_small_network_too(home, persons, ave: Path, tmp_path: Path, sound: Path):
    home(
        {
            "synctalk2d/audio_visual_encoder.pth": ave,
            "synctalk2d160/persons/may.pth": persons[160],
        }
    )
    report, out = run(tmp_path, sound, "--generator", "synctalk2d160", "--strict")
    assert report["chain"]["used"] == {"synctalk2d160": FRAMES}
    assert len(pictures(out)) == FRAMES


def test_without_the_audio_encoder_the_chain_moves_on_and_says_why(
    home, persons, tmp_path: Path, sound: Path
):
    home({"synctalk2d160/persons/may.pth": persons[160]})
    report, out = run(tmp_path, sound, "--generator", "synctalk2d160")
    (attempt,) = report["chain"]["attempts"]
    assert (attempt["generator"], attempt["phase"]) == ("synctalk2d160", "probe")
    assert "its weights are not here: audio_visual_encoder.pth" in attempt["reason"]
    assert "lipsync weights import FILE" in attempt["hint"]
    assert report["chain"]["used"] == {"viseme": FRAMES}
    assert len(pictures(out)) == FRAMES
