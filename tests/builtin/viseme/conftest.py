"""Faces for the renderer's tests: crops of the bundled portrait, as the engine would cut them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lipsync_core.builtin.viseme.canonical import eye_distance, lip_gap
from lipsync_core.builtin.viseme.generator import VisemeGenerator
from lipsync_core.builtin.viseme.spec import VISEME
from lipsync_core.builtin.viseme.targets import CURVES
from lipsync_core.contracts import OpenContext
from lipsync_core.faces.crops import cut, place, transform
from lipsync_core.records import Chunk, Crops

ENLARGE = 2


def pose(**values: float) -> list[float]:
    """One row of articulation values by name; what is not named is at rest."""
    assert set(values) <= set(CURVES)
    return [values.get(name, 0.0) for name in CURVES]


def features(*rows: list[float]) -> np.ndarray:
    """Features for the generator: no viseme weights, these articulation values."""
    return np.concatenate(
        [np.zeros((len(rows), 15)), np.array(rows).reshape(-1, len(CURVES))], axis=1
    ).astype(np.float32)


def repeated(crops: Crops, times: int) -> Crops:
    """One crop, many times."""
    return Crops(
        frames=np.arange(times),
        track=crops.track,
        images=np.repeat(crops.images[:1], times, axis=0),
        matrices=np.repeat(crops.matrices[:1], times, axis=0),
        landmarks=np.repeat(crops.landmarks[:1], times, axis=0),
        scheme=crops.scheme,
    )


class Stage:
    """Detector, generator and the way between them."""

    def __init__(self, detector, generator) -> None:
        self.detector = detector
        self.generator = generator

    def face(self, picture: np.ndarray):
        self.detector.reset()
        ((face,),) = self.detector.detect(picture[None])
        return face

    def crops(self, picture: np.ndarray) -> Crops:
        face = self.face(picture)
        boxes, landmarks = np.array([face.box]), face.landmarks[None]
        matrices, size = place(VISEME.crop, boxes, landmarks, "478")
        return Crops(
            frames=np.array([0]),
            track=0,
            images=cut(picture, matrices[0], size)[None],
            matrices=matrices,
            landmarks=transform(face.landmarks, matrices[0])[None],
            scheme="478",
        )

    def speak(self, crops: Crops, *rows: list[float], strength=1.0, prepared=None) -> np.ndarray:
        crops = repeated(crops, len(rows)) if len(crops) != len(rows) else crops
        if prepared is None:
            prepared = self.generator.prepare(crops)
        strengths = np.full(len(rows), strength, np.float32)
        return self.generator.generate(
            Chunk(crops=crops, features=features(*rows), strength=strengths, prepared=prepared)
        )

    def opening(self, picture: np.ndarray) -> float:
        """Gap of the inner lips over eye distance, found again in a picture."""
        points = self.face(picture).landmarks.astype(np.float64)
        return lip_gap(points) / float(eye_distance(points))

    def width(self, picture: np.ndarray) -> float:
        """Distance of the mouth corners over eye distance, found again in a picture."""
        points = self.face(picture).landmarks.astype(np.float64)
        return float(np.linalg.norm(points[291] - points[61]) / eye_distance(points))


@pytest.fixture(scope="session")
def stage(opened_detector):
    generator = VisemeGenerator()
    generator.open(OpenContext())
    yield Stage(opened_detector, generator)
    generator.close()


@pytest.fixture(scope="session")
def smiling(stage, portrait) -> Crops:
    """The portrait as it is: a broad smile that shows the upper teeth; face about 185 px wide."""
    part = portrait[0:260, 100:360]
    large = cv2.resize(part, None, fx=ENLARGE, fy=ENLARGE, interpolation=cv2.INTER_CUBIC)
    return stage.crops(np.ascontiguousarray(large))


@pytest.fixture(scope="session")
def closed(stage, smiling) -> Crops:
    """The same face with its mouth closed."""
    return stage.crops(stage.speak(smiling, pose())[0])


@pytest.fixture(scope="session")
def shouting(stage, smiling) -> Crops:
    """The same face with its mouth wide open."""
    return stage.crops(stage.speak(smiling, pose(jaw=1.0))[0])
