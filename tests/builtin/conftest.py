"""Fixtures for the embedded plugins: the bundled portrait and the opened detector."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import lipsync_core
from lipsync_core.builtin.mediapipe.detector import MediaPipeDetector
from lipsync_core.contracts import OpenContext

SAMPLES = Path(lipsync_core.__file__).parent / "samples"


@pytest.fixture(scope="session")
def portrait() -> np.ndarray:
    """The bundled portrait, RGB uint8 (512, 512, 3)."""
    picture = cv2.imread(str(SAMPLES / "portrait.png"))
    assert picture is not None
    return np.ascontiguousarray(picture[..., ::-1])


@pytest.fixture(scope="session")
def opened_detector():
    detector = MediaPipeDetector()
    detector.open(OpenContext())
    yield detector
    detector.close()


@pytest.fixture
def detector(opened_detector):
    """An opened detector that remembers nothing."""
    opened_detector.reset()
    return opened_detector
