"""From the command line: a whole evaluation, and one whose weights are damaged."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from lipsync_core import samples
from lipsync_core.testing.inputs import voice

SECONDS = 2.4
FRAMES = 60


def lipsync(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lipsync_core", *map(str, words)],
        capture_output=True, text=True, timeout=300, check=False, env=os.environ | {"COLUMNS": "300"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled portrait, made to speak."""
    folder = tmp_path_factory.mktemp("talk")
    sound, out = folder / "voice.wav", folder / "talk.mp4"
    with wave.open(str(sound), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((voice(16_000, SECONDS) * 32767).astype("<i2").tobytes())
    done = lipsync("run", samples.portrait(), sound, "-o", out, "--still", "-q")
    assert done.returncode == 0, done.stderr
    return out


def test_a_video_is_judged(home, checkpoint: Path, talk: Path, tmp_path: Path):
    home(checkpoint)
    page = tmp_path / "talk.html"
    done = lipsync("eval", talk, "--scorer", "syncnet", "--json", "-o", page)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["scorers"]["syncnet"]
    assert told["frames"] == FRAMES
    figures = told["figures"]
    assert set(figures) == {"lse_c", "lse_d", "offset"}
    assert all(math.isfinite(value) for value in figures.values())
    assert figures["lse_d"] > 0 <= figures["lse_c"]
    assert figures["offset"] in range(-15, 16)
    (stretch,) = told["stretches"]
    assert {key: stretch[key] for key in figures} == pytest.approx(figures)
    assert told["meaning"]["lse_d"]["better"] == "lower"
    assert "lse_c" in page.read_text("utf-8")


def test_without_weights_the_others_judge_and_it_is_told_why_not(home, talk: Path):
    home()
    done = lipsync("eval", talk, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert "lips" in told["scorers"] and "syncnet" not in told["scorers"]
    lacks = " ".join(told["not_scored"]["syncnet"].values())
    assert "torch" in lacks or "its weights are not here: syncnet_v2.model" in lacks


def test_asked_for_by_name_with_a_damaged_file_it_fails_in_a_sentence(
    home, checkpoint: Path, talk: Path, tmp_path: Path
):
    damaged = tmp_path / "syncnet_v2.model"
    damaged.write_bytes(checkpoint.read_bytes()[:1_000_000])
    home(damaged)
    done = lipsync("eval", talk, "--scorer", "syncnet", "--json")
    assert done.returncode == 4
    assert "syncnet_v2.model is truncated or damaged" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout)["error"] == "PluginUnavailable"
