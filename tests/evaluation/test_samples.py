"""Recorded speech whose sound is shifted by known amounts; needs the folder of samples."""

from __future__ import annotations

import numpy as np
import pytest
from mediafactory import make_sound

from lipsync_core.evaluation.evaluate import evaluate
from lipsync_core.evaluation.request import EvalRequest
from lipsync_core.media.sound import read_mono

pytestmark = pytest.mark.samples


@pytest.mark.parametrize("name", ["grid_bbaf2n.mpg", "infinitetalk_1_1.mp4"])
def test_a_shifted_recording_is_found_shifted(samples_folder, tmp_path, name):
    video = samples_folder / name
    samples = np.concatenate(list(read_mono(video, 16000)))
    found = {}
    for late in (-0.2, -0.08, 0.0, 0.12):
        moved = round(late * 16000)
        shifted = samples[-moved:] if moved < 0 else np.pad(samples, (moved, 0))
        sound = make_sound(tmp_path / "shifted.wav", samples=shifted[None])
        told = evaluate(EvalRequest(video=video, audio=sound, scorers=("lips",)))
        found[late] = told["scorers"]["lips"]["figures"]["offset_ms"]
    for late, offset in found.items():
        assert offset - found[0.0] == pytest.approx(1000 * late, abs=15)
    assert abs(found[0.0]) < 80, "the recording itself is in sync"
