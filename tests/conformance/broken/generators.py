"""A generator that is right, and generators that differ from it by one fault."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np

from lipsync_core.contracts import Generator
from lipsync_core.specs import BoxCrop, ChunkSpec, GeneratorSpec, Licence, PrepareSpec

LICENCE = Licence(code="Apache-2.0", weights="none needed", commercial=True)


class Right(Generator):
    """Darkens the lower half of the crop by the loudness of the mel window."""

    def open(self, context):
        self.calls = 0

    def generate(self, chunk):
        self.calls += 1
        loud = np.clip((chunk.features.mean((1, 2)) + 4.0) / 8.0, 0.0, 1.0) * chunk.strength
        made = chunk.crops.images.astype(np.float32)
        made[:, made.shape[1] // 2 :] *= (1.0 - 0.8 * loud)[:, None, None, None]
        return made.astype(np.uint8)


SPEC = GeneratorSpec(
    name="broken",
    factory=f"{__name__}:Right",
    summary="for tests",
    licence=LICENCE,
    crop=BoxCrop(size=(64, 80), scheme="68"),
    audio_encoder="mel",
    chunk=ChunkSpec(frames=4),
)


class TooFew(Right):
    def generate(self, chunk):
        return super().generate(chunk)[: max(1, len(chunk) - 1)]


class OtherSize(Right):
    def generate(self, chunk):
        return super().generate(chunk)[:, :-2]


class Floats(Right):
    def generate(self, chunk):
        return super().generate(chunk) / np.float32(255.0)


class Black(Right):
    def generate(self, chunk):
        return np.zeros_like(super().generate(chunk))


class AList(Right):
    def generate(self, chunk):
        return list(super().generate(chunk))


class WritesIntoCrops(Right):
    def generate(self, chunk):
        made = super().generate(chunk)
        chunk.crops.images[:, -1] = made[:, -1] // 2
        return made


class WritesIntoFeatures(Right):
    def generate(self, chunk):
        made = super().generate(chunk)
        chunk.features[:] = 0.0
        return made


class Remembers(Right):
    """Smooths over calls: a run that is resumed looks different."""

    last = None

    def generate(self, chunk):
        made = super().generate(chunk)
        mixed = made if self.last is None else (made // 2 + self.last // 2)
        self.last = made[-1:]
        return mixed


class Unseeded(Right):
    """Every object has a noise of its own."""

    seeds = count()

    def open(self, context):
        super().open(context)
        self.noise = np.random.default_rng(next(self.seeds)).integers(0, 60, 3)

    def generate(self, chunk):
        return super().generate(chunk) // 2 + self.noise.astype(np.uint8)


class MixesFrames(Right):
    def generate(self, chunk):
        made = super().generate(chunk)
        return made // 2 + (made.mean(0) / 2).astype(np.uint8)


class Deaf(Right):
    def generate(self, chunk):
        return np.ascontiguousarray(chunk.crops.images)


class FailsInSilence(Right):
    def generate(self, chunk):
        if np.ptp(chunk.features, axis=(1, 2)).max() == 0 and chunk.features.max() < 0:
            raise ValueError("no sound")
        return super().generate(chunk)


class FailsAtTheEdge(Right):
    """Reads the pixel under each landmark."""

    def generate(self, chunk):
        for image, points in zip(chunk.crops.images, chunk.crops.landmarks, strict=True):
            for x, y in points[:, :2].astype(int):
                image[y, x]
        return super().generate(chunk)


class DoesNotFade(Right):
    def generate(self, chunk):
        return super().generate(replace(chunk, strength=np.ones_like(chunk.strength)))


class KeepsPreparedToItself(Right):
    """Stores a number only, and the picture that matters in itself."""

    def open(self, context):
        super().open(context)
        self.shade = None

    def prepare(self, crops):
        self.shade = crops.images.mean((0, 1, 2))
        return {"n": np.array([len(crops)])}

    def generate(self, chunk):
        made = super().generate(chunk)
        return made if self.shade is None else made // 2 + (self.shade / 2).astype(np.uint8)


class PreparesObjects(Right):
    def prepare(self, crops):
        return {"boxes": np.array([{"x": 1}], dtype=object)}


class PreparesLists(Right):
    def prepare(self, crops):
        return {"boxes": [1, 2, 3]}


class PreparesTooFewRows(Right):
    def prepare(self, crops):
        return {"rows": np.zeros((1, 3))}

    def generate(self, chunk):
        return super().generate(chunk)


class PreparesTogether(Right):
    def prepare(self, crops):
        return {"rows": np.full((len(crops), 3), crops.images.mean())}


class OpensOnce(Right):
    used = False

    def open(self, context):
        if self.used:
            raise RuntimeError("already used")
        self.used = True
        super().open(context)


class ClosesOnce(Right):
    def open(self, context):
        super().open(context)
        self.held = [1]

    def close(self):
        self.held.pop()


class ReadyButNot(Right):
    def open(self, context):
        raise FileNotFoundError("net.pth")


class NeedsArguments(Right):
    def __init__(self, size):
        self.size = size


_TRACK = PrepareSpec(scope="track", samples=2)
GIVES = "gives as many crops as it gets, same size"
OPENS = "opens and closes twice"
LEAVES = "leaves its inputs as they are"
PREPARES = "prepares arrays that can be stored"

FAULTS: list[tuple[str, dict[str, object], str, str]] = [
    # class, what its spec says besides, the first case that must fail, part of what the author is told
    ("TooFew", {}, GIVES, "one picture for each crop"),
    ("OtherSize", {}, GIVES, "crop's own size"),
    ("Floats", {}, GIVES, "convert to uint8"),
    ("Black", {}, GIVES, "is black for"),
    ("AList", {}, GIVES, "return a numpy array"),
    ("WritesIntoCrops", {}, LEAVES, "chunk.crops.images"),
    ("WritesIntoFeatures", {}, LEAVES, "chunk.features"),
    ("Remembers", {}, "forgets earlier calls", "keep no state"),
    ("Unseeded", {}, "repeats itself in another object", "context.seed"),
    ("MixesFrames", {}, "does not mind how frames are split", "batches=False"),
    ("Deaf", {}, "moves the mouth with the sound", "follow chunk.features"),
    ("FailsInSilence", {}, "draws silence too", "ValueError: no sound"),
    ("FailsAtTheEdge", {}, "bears a face that is cut off", "IndexError"),
    ("DoesNotFade", {"fades": True}, "fades to nothing", "strength 0"),
    ("KeepsPreparedToItself", {"prepare": _TRACK}, PREPARES, "prepare's arrays"),
    ("PreparesObjects", {"prepare": _TRACK}, PREPARES, "not objects"),
    ("PreparesLists", {"prepare": _TRACK}, PREPARES, "return a numpy array"),
    ("PreparesTooFewRows", {"prepare": PrepareSpec(scope="frame")}, PREPARES, "one row for each"),
    ("PreparesTogether", {"prepare": PrepareSpec(scope="frame")}, PREPARES, "from its own crop"),
    ("OpensOnce", {}, OPENS, "RuntimeError: already used"),
    ("ClosesOnce", {}, OPENS, "may be called twice"),
    ("ReadyButNot", {}, OPENS, "the probe says Ready"),
    ("NeedsArguments", {}, OPENS, "no arguments"),
    ("NotThere", {}, OPENS, "importable class"),
]
