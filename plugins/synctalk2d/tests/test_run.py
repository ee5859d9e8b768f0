"""From the command line: a whole video, and the chain where weights are missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lipsync_core.testing import changed, talk

FRAMES = 10


def test_a_video_from_upstreams_folders(home, persons, ave: Path, tmp_path: Path):
    home({"synctalk2d/model/checkpoints/audio_visual_encoder.pth": ave})
    folder = tmp_path / "SyncTalk_2D" / "checkpoint" / "May"
    folder.mkdir(parents=True)
    (folder / "99.pth").hardlink_to(persons[328])
    person = f"synctalk2d.person={folder}"
    made = talk(tmp_path, FRAMES, "--generator", "synctalk2d", "--option", person, "--strict")
    assert made.report["chain"]["used"] == {"synctalk2d": FRAMES}
    assert made.report["chain"]["attempts"] == []
    assert len(made.frames) == FRAMES
    seen = changed(made.frames, talk(tmp_path, FRAMES).frames)
    assert seen.mouth > 0.9
    assert (seen.forehead, seen.outside) == (0, 0)
    lower = made.frames[:, 133:178].astype(int)
    assert np.abs(np.diff(lower, axis=0)).max() > 8  # it moves


def test_the_small_network_too(home, persons, ave: Path, tmp_path: Path):
    home(
        {
            "synctalk2d/audio_visual_encoder.pth": ave,
            "synctalk2d160/persons/may.pth": persons[160],
        }
    )
    made = talk(tmp_path, FRAMES, "--generator", "synctalk2d160", "--strict")
    assert made.report["chain"]["used"] == {"synctalk2d160": FRAMES}
    assert len(made.frames) == FRAMES


def test_without_the_audio_encoder_the_chain_moves_on_and_says_why(home, persons, tmp_path: Path):
    home({"synctalk2d160/persons/may.pth": persons[160]})
    made = talk(tmp_path, FRAMES, "--generator", "synctalk2d160")
    (attempt,) = made.report["chain"]["attempts"]
    assert (attempt["generator"], attempt["phase"]) == ("synctalk2d160", "probe")
    assert "its weights are not here: audio_visual_encoder.pth" in attempt["reason"]
    assert "lipsync weights import FILE" in attempt["hint"]
    assert made.report["chain"]["used"] == {"viseme": FRAMES}
    assert len(made.frames) == FRAMES
