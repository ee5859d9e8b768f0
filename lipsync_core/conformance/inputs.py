"""What the cases feed to plugins: the bundled portrait in slight motion, its landmarks, and a voice.

Everything handed out is a fresh copy: a plugin that writes into its inputs must not spoil the next case.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_core import samples
from lipsync_core.contracts import AudioEncoder, Detector, Ready
from lipsync_core.faces.crops import bounding, cut, place, transform
from lipsync_core.faces.schemes import convert
from lipsync_core.media.sound import read_mono
from lipsync_core.media.still import read_still
from lipsync_core.records import Chunk, Crops, Face, Image, Matrix, Points, Prepared, Samples
from lipsync_core.registry import BUILTIN, Registry, create
from lipsync_core.registry.probing import context_for, probe
from lipsync_core.specs import AudioEncoderSpec, CropSpec, DetectorSpec

__all__ = [
    "FPS",
    "PORTRAIT_FACE",
    "Shot",
    "chunk",
    "crops",
    "crops_of",
    "moved",
    "piece",
    "portrait",
    "portrait_face",
    "voice",
]


FPS = Fraction(25)
"""Frame rate of the test inputs."""
PORTRAIT_FACE = (179.0, 68.0, 271.0, 178.0)
"""Where the face is in the bundled portrait: x0, y0, x1, y1, brows to chin, measured by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """Frames of a short shot: pictures, and one face in each."""

    images: list[Image]
    faces: list[Face]


def portrait() -> Image:
    """The bundled portrait, `(512, 512, 3)`."""
    return _portrait().copy()


@cache
def _portrait() -> Image:
    return read_still(samples.portrait())


def portrait_face() -> Face:
    """Its face with dense landmarks, as the built-in detector sees it."""
    face = _portrait_face()
    return replace(face, landmarks=face.landmarks.copy())


@cache
def _portrait_face() -> Face:
    registry = Registry.load()
    spec = next(s for s in registry.all(DetectorSpec) if registry.row_of(s).name == BUILTIN)
    with ExitStack() as resources:
        detector = cast(Detector, create(spec))
        detector.open(context_for(spec))
        resources.callback(detector.close)
        return detector.detect(portrait()[None])[0][0]


def moved(matrix: Matrix, size: tuple[int, int] = (512, 512)) -> tuple[Image, Face]:
    """The portrait through an affine map, and its face there."""
    image = np.asarray(
        cv2.warpAffine(portrait(), matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )
    face = portrait_face()
    points = transform(face.landmarks, matrix)
    x0, y0, x1, y1 = (float(v) for v in bounding(points[None])[0])
    return image, Face(box=(x0, y0, x1, y1), score=face.score, landmarks=points, scheme=face.scheme)


def shot(count: int) -> Shot:
    """`count` frames of a head that sways and tilts a little; all frames differ."""
    images, faces = [], []
    for k in range(count):
        tilt = 3.0 * np.sin(0.7 * k)
        scale = 1.0 + 0.004 * (k % 5)
        matrix = np.asarray(cv2.getRotationMatrix2D((225.0, 120.0), tilt, scale), np.float64)
        matrix[:, 2] += (2.0 * np.sin(0.5 * k), 1.0 * np.cos(0.9 * k))
        image, face = moved(matrix)
        images.append(image)
        faces.append(face)
    return Shot(images=images, faces=faces)


def crops_of(spec: CropSpec, frames: Shot) -> Crops:
    """The crops that the engine would cut."""
    points: Points = np.stack([face.landmarks for face in frames.faces])
    have = frames.faces[0].scheme
    matrices, size = place(spec, np.array([face.box for face in frames.faces]), points, have)
    wanted = convert(points, have, spec.scheme)
    return Crops(
        frames=np.arange(len(frames.images), dtype=np.int64) + 100,
        track=3,
        images=np.stack([cut(i, m, size) for i, m in zip(frames.images, matrices, strict=True)]),
        matrices=matrices,
        landmarks=np.stack([transform(p, m) for p, m in zip(wanted, matrices, strict=True)]),
        scheme=spec.scheme,
    )


def crops(spec: CropSpec, count: int) -> Crops:
    """Crops of `count` frames of the portrait in motion."""
    return crops_of(spec, shot(count))


def cut_off_crops(spec: CropSpec, count: int) -> Crops:
    """Crops of a face whose mouth and chin are below the lower edge of the picture."""
    made = [moved(np.array([[1.0, 0.0, 0.2 * k], [0.0, 1.0, 375.0]])) for k in range(count)]
    return crops_of(spec, Shot(images=[m[0] for m in made], faces=[m[1] for m in made]))


def chunk(
    crops: Crops,
    features: NDArray[np.float32],
    prepared: Prepared | None = None,
    strength: float = 1.0,
) -> Chunk:
    """A chunk of crops with their rows."""
    shares = np.full(len(crops), strength, np.float32)
    return Chunk(crops=crops, features=features, strength=shares, prepared=prepared or {})


def piece(crops: Crops, a: int, b: int) -> Crops:
    """Crops a..b-1, in arrays of their own."""
    return crops.only(list(range(a, b)))


def voice(sample_rate: int, seconds: float = 2.5) -> Samples:
    """The bundled voice at a rate, from its first words on."""
    return _voice(sample_rate, seconds).copy()


@cache
def _voice(sample_rate: int, seconds: float) -> Samples:
    wanted = int(sample_rate * seconds)
    sound = np.concatenate(list(read_mono(samples.voice(), sample_rate)))
    loud = np.flatnonzero(np.abs(sound) > 0.1 * np.abs(sound).max())
    begin = max(0, int(loud[0]) - sample_rate // 10)
    return np.ascontiguousarray(np.resize(sound[begin:], max(wanted, len(sound) - begin))[:wanted])


def speech_rows(spec: AudioEncoderSpec, count: int) -> NDArray[np.float32]:
    """`count` rows of speech: from the encoder itself, or seeded random ones where it cannot run."""
    if not isinstance(probe(spec), Ready):
        random = np.random.default_rng(0).standard_normal((count, *spec.feature_shape))
        return random.astype(np.float32)
    return _encoded(spec, voice(spec.sample_rate, max(2.5, count / float(FPS) + 0.5)))[:count]


def silent_rows(spec: AudioEncoderSpec, count: int) -> NDArray[np.float32]:
    """`count` rows of digital silence; zeros where the encoder cannot run."""
    if not isinstance(probe(spec), Ready):
        return np.zeros((count, *spec.feature_shape), np.float32)
    seconds = count / float(FPS) + 0.5
    return _encoded(spec, np.zeros(int(spec.sample_rate * seconds), np.float32))[:count]


def _encoded(spec: AudioEncoderSpec, sound: Samples) -> NDArray[np.float32]:
    encoder = cast(AudioEncoder, create(spec))
    encoder.open(context_for(spec))
    try:
        stream = encoder.stream(spec.sample_rate, FPS)
        return np.concatenate([stream.push(sound), stream.flush()])
    finally:
        encoder.close()
