"""What all tests share: folders of their own, and a face video to work on."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from lipsync_core.testing import Parity
from lipsync_core.testing import own_folders as own_folders

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile(
    "repeatable"
)  # a busy machine is slow, and no run differs from the one before


@pytest.fixture(scope="session")
def parity() -> Parity:
    """The golden files in `data`."""
    return Parity(Path(__file__).parent / "data")


@pytest.fixture(scope="session")
def face_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 frames of the portrait at 25 a second, no sound."""
    from facefactory import face_video

    return face_video(tmp_path_factory.mktemp("clip") / "face clip.mp4", 30)


@pytest.fixture(scope="session")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1.2 s of speech, 16 kHz mono: exactly as long as `face_clip`."""
    from facefactory import speech

    return speech(tmp_path_factory.mktemp("voice") / "voice.wav", 1.2)


@pytest.fixture
def closed_terminal_is_heard() -> Iterator[None]:
    """SIGHUP as it is in a terminal: whoever runs the tests under `nohup` has it ignored, children too."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(scope="session")
def samples_folder() -> Path:
    """The folder of real faces and voices; tests that ask for it skip where it is not named."""
    named = os.environ.get("LIPSYNC_SAMPLES")
    if not named or not Path(named).is_dir():
        pytest.skip("LIPSYNC_SAMPLES names no folder")
    return Path(named)
