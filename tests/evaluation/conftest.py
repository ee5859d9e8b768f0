"""A talking portrait made by this project, its sound, and the clip it was made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from facefactory import face_video, speech
from mediafactory import make_sound

from lipsync_core.engine.run import run
from lipsync_core.media.sound import read_mono
from lipsync_core.requests import RunRequest

FRAMES = 150


@pytest.fixture(scope="session")
def silent_clip(tmp_path_factory) -> Path:
    """6 s of the portrait with a mouth that holds still, no sound."""
    return face_video(tmp_path_factory.mktemp("reference") / "clip.mp4", FRAMES)


@pytest.fixture(scope="session")
def talk_voice(tmp_path_factory) -> Path:
    """6 s of speech."""
    return speech(tmp_path_factory.mktemp("speech") / "voice.wav", FRAMES / 25)


@pytest.fixture(scope="session")
def talk(tmp_path_factory, silent_clip, talk_voice) -> Path:
    """The clip, made to speak."""
    output = tmp_path_factory.mktemp("talk") / "talk.mp4"
    run(RunRequest.of(silent_clip, talk_voice, output))
    return output


@pytest.fixture
def shifted(tmp_path, talk_voice):
    """`shifted(seconds)`: the voice, that much later (earlier where negative)."""

    def make(seconds: float) -> Path:
        samples = np.concatenate(list(read_mono(talk_voice, 16000)))
        moved = round(seconds * 16000)
        empty = np.zeros(abs(moved), np.float32)
        samples = np.concatenate([empty, samples] if moved > 0 else [samples[-moved:], empty])
        return make_sound(tmp_path / "shifted.wav", samples=samples[None])

    return make
