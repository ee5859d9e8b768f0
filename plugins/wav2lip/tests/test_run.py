"""From the command line: a whole video, and the chain where the weights are missing or damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lipsync_core.testing import changed, talk

FRAMES = 15


def test_a_video_by_wav2lip(home, checkpoint: Path, tmp_path: Path):
    home(checkpoint)
    made = talk(tmp_path, FRAMES, "--generator", "wav2lip", "--strict")
    assert made.report["chain"]["used"] == {"wav2lip": FRAMES}
    assert made.report["chain"]["attempts"] == []
    assert len(made.frames) == FRAMES
    seen = changed(made.frames, talk(tmp_path, FRAMES).frames)
    assert seen.mouth > 0.9
    assert (seen.forehead, seen.outside) == (0, 0)
    lower = made.frames[:, 133:178].astype(int)
    assert np.abs(np.diff(lower, axis=0)).max() > 8  # it moves


def test_the_originals_hard_rectangle_can_be_had(home, checkpoint: Path, tmp_path: Path):
    home(checkpoint)
    words = ("--option", "wav2lip.compat=true", "--blender", "wav2lip-paste")
    hard = talk(tmp_path, FRAMES, "--generator", "wav2lip", *words)
    assert hard.report["chain"]["used"] == {"wav2lip": FRAMES}
    seen = changed(hard.frames, talk(tmp_path, FRAMES).frames)
    assert seen.forehead > 0.5  # it is replaced, too


def test_without_weights_the_chain_moves_on_and_says_why(home, tmp_path: Path):
    home()
    made = talk(tmp_path, FRAMES, "--generator", "wav2lip")
    (attempt,) = made.report["chain"]["attempts"]
    assert (attempt["generator"], attempt["phase"]) == ("wav2lip", "probe")
    assert "its weights are not here: wav2lip_gan.pth or wav2lip.pth" in attempt["reason"]
    assert made.report["chain"]["used"] == {"viseme": FRAMES}
    assert len(made.frames) == FRAMES


def test_with_a_damaged_checkpoint_the_chain_moves_on_and_names_it(
    home, checkpoint: Path, tmp_path: Path
):
    damaged = tmp_path / "wav2lip_gan.pth"
    with checkpoint.open("rb") as file:
        damaged.write_bytes(file.read(10_000_000))
    home(damaged)
    made = talk(tmp_path, FRAMES, "--generator", "wav2lip")
    (attempt,) = made.report["chain"]["attempts"]
    assert (attempt["generator"], attempt["phase"]) == ("wav2lip", "open")
    assert "wav2lip_gan.pth" in attempt["reason"]
    assert attempt["hint"]
    assert made.report["chain"]["used"] == {"viseme": FRAMES}
