"""Generators that fail in every way the chain must survive, and one that paints what it hears."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import ClassVar

import numpy as np

from lipsync_core.builtin.mediapipe.detector import MediaPipeDetector
from lipsync_core.builtin.mediapipe.spec import MEDIAPIPE
from lipsync_core.contracts import Blender, Enhancer, Generator, OpenContext
from lipsync_core.errors import OutOfMemory, PluginUnavailable, UsageError
from lipsync_core.faces.schemes import convert
from lipsync_core.records import Chunk, Generated, Patch
from lipsync_core.registry import PluginRow, Registry, load_rows
from lipsync_core.specs import (
    BlenderSpec,
    BoxCrop,
    ChunkSpec,
    EnhancerSpec,
    GeneratorSpec,
    Licence,
    Margins,
    PluginSpec,
)

LICENCE = Licence(code="Apache-2.0", weights="none needed", commercial=True)


class Painter(Generator):
    """Makes the lower half of its crop green, as bright as the mel window is loud."""

    def open(self, context: OpenContext) -> None:
        self.calls = 0

    def generate(self, chunk: Chunk) -> np.ndarray:
        self.calls += 1
        out = chunk.crops.images.copy()
        loud = np.clip((chunk.features.mean((1, 2)) + 4) / 4, 0, 1)
        half = out.shape[1] // 2
        out[:, half:] = 0
        out[:, half:, :, 1] = (120 + 120 * loud)[:, None, None].astype(np.uint8)
        return out


class Noter(Painter):
    """Notes where its crops lie, one 2x3 matrix a frame."""

    matrices: ClassVar[list[np.ndarray]] = []

    def open(self, context: OpenContext) -> None:
        super().open(context)
        self.matrices.clear()

    def generate(self, chunk: Chunk) -> np.ndarray:
        self.matrices.extend(chunk.crops.matrices)
        return super().generate(chunk)


class Hearer(Painter):
    """Notes how loud each frame's mel window begins, -4 (silence) to 4."""

    loud: ClassVar[list[float]] = []

    def open(self, context: OpenContext) -> None:
        super().open(context)
        self.loud.clear()

    def generate(self, chunk: Chunk) -> np.ndarray:
        self.loud.extend(chunk.features[:, :, 0].max(axis=1).tolist())
        return super().generate(chunk)


class Sizes(Painter):
    """Notes how many frames it was given at a time."""

    sizes: ClassVar[list[int]] = []

    def open(self, context: OpenContext) -> None:
        super().open(context)
        self.sizes.clear()

    def generate(self, chunk: Chunk) -> np.ndarray:
        self.sizes.append(len(chunk))
        return super().generate(chunk)


class TwoNetworks(Painter):
    """Says of every call which of its two networks made it: the second one in every third call."""

    def generate(self, chunk: Chunk) -> Generated:
        made = super().generate(chunk)
        return Generated(images=made, note="second" if self.calls % 3 == 0 else "first")


class Faulty(Painter):
    """Fails as the subclass says, at call number `at`."""

    at = 1

    def generate(self, chunk: Chunk) -> np.ndarray:
        made = super().generate(chunk)
        return self.spoil(made, chunk) if self.calls >= self.at else made

    def spoil(self, made: np.ndarray, chunk: Chunk) -> np.ndarray:
        raise NotImplementedError


class NotesAndFails(TwoNetworks):
    def generate(self, chunk: Chunk) -> Generated:
        if self.calls == 2:
            raise RuntimeError("the third call fails")
        return super().generate(chunk)


class RaisesAtOpen(Painter):
    def open(self, context: OpenContext) -> None:
        raise RuntimeError("cannot load weights")


class UnavailableAtOpen(Painter):
    def open(self, context: OpenContext) -> None:
        raise PluginUnavailable("The weights are of another variant.", "Pull the right ones.")


class RaisesAtThird(Faulty):
    at = 3

    def spoil(self, made, chunk):
        raise ValueError("index 16 is out of bounds")


class Black(Faulty):
    def spoil(self, made, chunk):
        return np.zeros_like(made)


class NotANumber(Faulty):
    def spoil(self, made, chunk):
        return np.full(made.shape, np.nan, np.float32)


class TooFew(Faulty):
    def spoil(self, made, chunk):
        return made[:-1]


class WrongSize(Faulty):
    def spoil(self, made, chunk):
        return made[:, ::2]


class Nothing(Faulty):
    def spoil(self, made, chunk):
        return None


class OutOfMemoryOnce(Painter):
    """Only chunks of up to 4 frames fit."""

    def generate(self, chunk: Chunk) -> np.ndarray:
        if len(chunk) > 4:
            raise MemoryError("4 frames fit")
        return super().generate(chunk)


class OutOfMemoryAlways(Faulty):
    def spoil(self, made, chunk):
        raise OutOfMemory("CUDA out of memory")


class UsersMistake(Faulty):
    def spoil(self, made, chunk):
        raise UsageError("fakes.size=7 is not one of 96, 128.", "Use 96.")


class KillsItself(Faulty):
    """As if the machine were switched off in the middle."""

    at = 4

    def spoil(self, made, chunk):
        os._exit(9)


class Reddener(Enhancer):
    """Makes its crop red; notes how many it was given at a time."""

    calls: ClassVar[list[int]] = []

    def open(self, context: OpenContext) -> None:
        self.calls.clear()

    def enhance(self, crops):
        self.calls.append(len(crops))
        return np.full_like(crops.images, (255, 0, 0))


class ReddenerForOne(Reddener):
    """Has memory for one."""

    def enhance(self, crops):
        if len(crops) > 1:
            raise MemoryError("one fits")
        return super().enhance(crops)


class ReddenerForNone(Reddener):
    def enhance(self, crops):
        raise MemoryError("none fits")


class ReddenerThatFails(Reddener):
    def enhance(self, crops):
        raise IndexError("index 5 is out of bounds")


class ReddenerOfOtherSize(Reddener):
    def enhance(self, crops):
        return crops.images[:, ::2]


class WrongBlender(Blender):
    def open(self, context: OpenContext) -> None:
        pass

    def blend(self, given):
        return given.frame


def enhancer(kind: type[Enhancer]) -> EnhancerSpec:
    """A spec for one of the enhancers above, under the name `red`."""
    return EnhancerSpec(
        name="red",
        factory=f"fakes:{kind.__name__}",
        summary="for tests",
        licence=LICENCE,
        crop=BoxCrop(size=(64, 64), scheme="68"),
        region="mouth",
    )


class Onlooker(Blender):
    """Changes nothing; notes the size of what it is shown, and of the face in it."""

    shown: ClassVar[list[tuple[tuple[int, ...], np.ndarray]]] = []

    def open(self, context: OpenContext) -> None:
        self.shown.clear()

    def blend(self, given):
        landmarks = given.landmarks
        low, high = landmarks[:, :2].min(0), landmarks[:, :2].max(0)
        self.shown.append((given.frame.shape, np.concatenate([low, high])))


class Stamp(Blender):
    """Makes all of the crop's place blue; notes the regions that it was asked for."""

    regions: ClassVar[list[str]] = []

    def open(self, context: OpenContext) -> None:
        self.regions.clear()

    def blend(self, given):
        landmarks = given.landmarks
        self.regions.append(given.region)
        low, high = landmarks[:, :2].min(0).astype(int), landmarks[:, :2].max(0).astype(int)
        size = (*(high - low)[::-1].tolist(), 3)
        return Patch(x=int(low[0]), y=int(low[1]), image=np.full(size, (0, 0, 255), np.uint8))


STAMP = BlenderSpec(name="stamp", factory="fakes:Stamp", summary="for tests", licence=LICENCE)
ONLOOKER = BlenderSpec(
    name="onlooker", factory="fakes:Onlooker", summary="for tests", licence=LICENCE
)
BLENDER = BlenderSpec(
    name="wrong", factory="fakes:WrongBlender", summary="for tests", licence=LICENCE
)


class SparseDetector(MediaPipeDetector):
    """Gives the 68 points only, as most detectors do."""

    def detect(self, images):
        return [
            [
                replace(f, landmarks=convert(f.landmarks[None], "478", "68")[0], scheme="68")
                for f in faces
            ]
            for faces in super().detect(images)
        ]


SPARSE = replace(
    MEDIAPIPE, name="sparse", factory="fakes:SparseDetector", schemes=("68",), options=()
)


def spec(name: str, kind: type[Generator] = Painter, **changes) -> GeneratorSpec:
    """A spec for one of the classes above."""
    values = {
        "name": name,
        "factory": f"fakes:{kind.__name__}",
        "summary": "for tests",
        "licence": LICENCE,
        "crop": BoxCrop(size=(96, 96), margins=Margins(bottom=0.1), scheme="68"),
        "audio_encoder": "mel",
        "chunk": ChunkSpec(frames=6),
        "region": "lower_face",
        "streams": True,
    }
    return GeneratorSpec(**(values | changes))


def registry(*specs: PluginSpec) -> Registry:
    """The built-in plugins and `specs`."""
    own = [row for row in load_rows({}) if row.name == "builtin"]
    return Registry([*own, PluginRow(name="fakes", specs=specs)])
