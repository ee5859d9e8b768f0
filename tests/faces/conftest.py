"""What tests of faces share: the built-in detector, open."""

from __future__ import annotations

import pytest

from lipsync_core.builtin.mediapipe.detector import MediaPipeDetector
from lipsync_core.contracts import OpenContext


@pytest.fixture(scope="module")
def detector():
    detector = MediaPipeDetector()
    detector.open(OpenContext())
    yield detector
    detector.close()
