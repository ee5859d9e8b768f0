"""From the command line: a whole evaluation, and one whose weights are damaged."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from lipsync_core import samples
from lipsync_core.testing import lipsync, write_voice

FRAMES = 60


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled portrait, made to speak."""
    folder = tmp_path_factory.mktemp("speech")
    sound, out = write_voice(folder / "voice.wav", FRAMES), folder / "talk.mp4"
    done = lipsync("run", samples.portrait(), sound, "-o", out, "--still", "-q")
    assert done.returncode == 0, done.stderr
    return out


def test_a_video_is_judged(home, checkpoint: Path, speech: Path, tmp_path: Path):
    home(checkpoint)
    page = tmp_path / "talk.html"
    done = lipsync("eval", speech, "--scorer", "syncnet", "--json", "-o", page)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["scorers"]["syncnet"]
    assert told["frames"] == FRAMES
    figures = told["figures"]
    assert set(figures) == {"lse_c", "lse_d", "offset"}
    assert all(math.isfinite(value) for value in figures.values())
    assert figures["lse_d"] > 0 <= figures["lse_c"]
    assert figures["offset"] in range(-15, 16)
    (span,) = told["spans"]
    assert {key: span[key] for key in figures} == pytest.approx(figures)
    assert told["meaning"]["lse_d"]["better"] == "lower"
    assert "lse_c" in page.read_text("utf-8")


def test_without_weights_the_others_judge_and_it_is_told_why_not(home, speech: Path):
    home()
    done = lipsync("eval", speech, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert "lips" in told["scorers"] and "syncnet" not in told["scorers"]
    lacks = " ".join(told["not_scored"]["syncnet"].values())
    assert "torch" in lacks or "its weights are not here: syncnet_v2.model" in lacks


def test_asked_for_by_name_with_a_damaged_file_it_fails_in_a_sentence(
    home, checkpoint: Path, speech: Path, tmp_path: Path
):
    damaged = tmp_path / "syncnet_v2.model"
    damaged.write_bytes(checkpoint.read_bytes()[:1_000_000])
    home(damaged)
    done = lipsync("eval", speech, "--scorer", "syncnet", "--json")
    assert done.returncode == 4
    assert "syncnet_v2.model is truncated or damaged" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout)["error"] == "PluginUnavailable"
