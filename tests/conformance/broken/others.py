"""Encoders, detectors, enhancers and blenders with one fault each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lipsync_core.builtin.blender import FeatherBlender
from lipsync_core.builtin.enhancer import SharpenEnhancer
from lipsync_core.builtin.mediapipe.detector import MediaPipeDetector
from lipsync_core.contracts import AudioEncoder, FeatureStream
from lipsync_core.faces.turns import roll
from lipsync_core.records import Patch


class Loudness(AudioEncoder):
    """Right: the root mean square of each frame's sound, no look-ahead beyond the frame."""

    def open(self, context):
        pass

    def stream(self, sample_rate, fps):
        return LoudnessStream(sample_rate, fps)


class LoudnessStream(FeatureStream):
    def __init__(self, rate, fps):
        self.rate, self.fps = rate, fps
        self.sound = np.zeros(0, np.float32)
        self.row = 0

    def edge(self, row):
        return int(row * self.rate / self.fps)

    def total(self):
        return -(-len(self.sound) * self.fps.numerator // (self.rate * self.fps.denominator))

    def rows(self, until):
        got = []
        while self.row < until:
            part = self.sound[self.edge(self.row) : self.edge(self.row + 1)]
            got.append([float(np.sqrt((part**2).mean())) if len(part) else 0.0])
            self.row += 1
        return np.array(got, np.float32).reshape(-1, 1)

    def push(self, samples):
        self.sound = np.concatenate([self.sound, samples])
        until = self.row
        while self.edge(until + 1) <= len(self.sound):
            until += 1
        return self.rows(until)

    def flush(self):
        return self.rows(self.total())


class RoundsDown(Loudness):
    class Stream(LoudnessStream):
        def flush(self):
            return self.rows(int(len(self.sound) / self.rate * int(self.fps)))

    def stream(self, sample_rate, fps):
        return self.Stream(sample_rate, fps)


class FailsOnNothing(Loudness):
    class Stream(LoudnessStream):
        def flush(self):
            return self.rows(self.total() or 1 // len(self.sound))

    def stream(self, sample_rate, fps):
        return self.Stream(sample_rate, fps)


class NormalisesEachPush(Loudness):
    class Stream(LoudnessStream):
        def push(self, samples):
            top = np.abs(samples).max(initial=0.0)
            return super().push(samples / top if top > 0 else samples)

    def stream(self, sample_rate, fps):
        return self.Stream(sample_rate, fps)


class SharesState(Loudness):
    """One stream for all voices."""

    def stream(self, sample_rate, fps):
        made = LoudnessStream(sample_rate, fps)
        made.__dict__ = self.__dict__.setdefault("state", made.__dict__)
        made.row, made.sound, made.fps = 0, np.zeros(0, np.float32), fps
        return made


class SeesTheFuture(Loudness):
    """Divides by the loudest of all that it was given."""

    class Stream(LoudnessStream):
        def rows(self, until):
            return super().rows(until) / np.float32(np.abs(self.sound).max(initial=1e-3))

    def stream(self, sample_rate, fps):
        return self.Stream(sample_rate, fps)


class WaitsForTheEnd(Loudness):
    class Stream(LoudnessStream):
        def push(self, samples):
            self.sound = np.concatenate([self.sound, samples])
            return np.zeros((0, 1), np.float32)

    def stream(self, sample_rate, fps):
        return self.Stream(sample_rate, fps)


class Doubles(Loudness):
    class Stream(LoudnessStream):
        def rows(self, until):
            return super().rows(until).astype(np.float64)

    def stream(self, sample_rate, fps):
        return self.Stream(sample_rate, fps)


class NoDots(Loudness):
    class Stream(LoudnessStream):
        def rows(self, until):
            with np.errstate(divide="ignore"):
                return np.log(super().rows(until))

    def stream(self, sample_rate, fps):
        return self.Stream(sample_rate, fps)


class ScalesInPlace(Loudness):
    class Stream(LoudnessStream):
        def push(self, samples):
            samples *= 0.5
            return super().push(samples)

    def stream(self, sample_rate, fps):
        return self.Stream(sample_rate, fps)


class SeesGhosts(MediaPipeDetector):
    def detect(self, images):
        ghost = MediaPipeDetector.detect(self, _portrait()[None])[0]
        return [found or ghost for found in super().detect(images)]


class Blind(MediaPipeDetector):
    def detect(self, images):
        return [[] for _ in images]


class LosesALine(MediaPipeDetector):
    def detect(self, images):
        return [faces for faces in super().detect(images) if faces]


class OtherScheme(MediaPipeDetector):
    def detect(self, images):
        return [[_changed(f, scheme="68") for f in faces] for faces in super().detect(images)]


class WidthAndHeight(MediaPipeDetector):
    def detect(self, images):
        return [
            [
                _changed(f, box=(f.box[0], f.box[1], f.box[2] - f.box[0], f.box[3] - f.box[1]))
                for f in faces
            ]
            for faces in super().detect(images)
        ]


class Shares(MediaPipeDetector):
    """Landmarks as shares of the picture instead of pixels."""

    def detect(self, images):
        return [
            [_changed(f, landmarks=f.landmarks / np.float32(images.shape[1])) for f in faces]
            for faces in super().detect(images)
        ]


class UprightOnly(MediaPipeDetector):
    """Knows upright faces, and says otherwise."""

    def detect(self, images):
        return [
            [f for f in faces if abs(float(roll(f.landmarks[None], f.scheme)[0])) < 45]
            for faces in super().detect(images)
        ]


class NeverForgets(MediaPipeDetector):
    """Smooths over shots: `reset` leaves its last landmarks alone."""

    last = None

    def detect(self, images):
        found = super().detect(images)
        out = []
        for faces in found:
            mixed = faces
            if faces and self.last is not None:
                mixed = [
                    _changed(faces[0], landmarks=(faces[0].landmarks + self.last) / np.float32(2))
                ]
            self.last = mixed[0].landmarks if mixed else self.last
            out.append(mixed)
        return out


class PaintsOver(MediaPipeDetector):
    def detect(self, images):
        found = super().detect(images)
        images[:, :4] = 255
        return found


def _portrait():
    from lipsync_core.conformance import inputs

    return inputs.portrait()


def _changed(face, **changes):
    return replace(face, **changes)


class Shrinks(SharpenEnhancer):
    def enhance(self, crops):
        return super().enhance(crops)[:, ::2, ::2]


class SharpensInPlace(SharpenEnhancer):
    def enhance(self, crops):
        crops.images[:] = super().enhance(crops)
        return crops.images


class Accumulates(SharpenEnhancer):
    last = None

    def enhance(self, crops):
        made = super().enhance(crops)
        if self.last is not None and self.last.shape == made.shape:
            made = made // 2 + self.last // 2
        self.last = made
        return made


class AlwaysFull(FeatherBlender):
    def blend(self, given):
        return super().blend(replace(given, strength=1.0))


class WholeFrame(FeatherBlender):
    def blend(self, given):
        patch = super().blend(given)
        if patch is None:
            return None
        h, w = patch.image.shape[:2]
        whole = np.clip(given.frame.astype(int) + 1, 0, 255).astype(np.uint8)
        whole[patch.y : patch.y + h, patch.x : patch.x + w] = patch.image
        return Patch(x=0, y=0, image=whole)


class LeavesTheFrame(FeatherBlender):
    def blend(self, given):
        patch = super().blend(given)
        return patch and Patch(x=patch.x, y=given.frame.shape[0] - 3, image=patch.image)


class PaintsIntoTheFrame(FeatherBlender):
    def blend(self, given):
        patch = super().blend(given)
        if patch is not None:
            h, w = patch.image.shape[:2]
            given.frame[patch.y : patch.y + h, patch.x : patch.x + w] = patch.image
        return patch


class AnArray(FeatherBlender):
    def blend(self, given):
        patch = super().blend(given)
        return patch and patch.image


COUNTS = "gives ceil(duration * fps) rows"
FINDS = "finds the bundled portrait's face and landmarks"
INSIDE = "changes nothing beside the crop"

FAULTS: list[tuple[str, str, str, str]] = [
    # kind, class, the first case that must fail, part of what the author is told
    ("audio encoder", "RoundsDown", COUNTS, "count with the Fraction"),
    ("audio encoder", "Doubles", COUNTS, "convert to float32"),
    ("audio encoder", "NoDots", "bears silence and very short sounds", "guard logarithms"),
    ("audio encoder", "FailsOnNothing", "bears silence and very short sounds", "ZeroDivisionError"),
    (
        "audio encoder",
        "NormalisesEachPush",
        "gives the same rows live and offline",
        "the sound so far",
    ),
    ("audio encoder", "SharesState", "gives the same rows live and offline", "carry what is left"),
    ("audio encoder", "ScalesInPlace", "leaves the sound as it is", "work on a copy"),
    ("audio encoder", "SeesTheFuture", "gives the same rows live and offline", "differ by"),
    (
        "audio encoder",
        "WaitsForTheEnd",
        "looks ahead as far as it declares",
        "as soon as they are certain",
    ),
    ("detector", "SeesGhosts", "finds nothing in an empty picture", "raise the threshold"),
    ("detector", "Blind", FINDS, "RGB, not BGR"),
    ("detector", "LosesALine", "finds nothing in an empty picture", "one for each"),
    ("detector", "OtherScheme", FINDS, "correct the spec"),
    ("detector", "WidthAndHeight", FINDS, "not width and height"),
    ("detector", "Shares", FINDS, "in pixels"),
    (
        "detector",
        "UprightOnly",
        "finds the face in any turn, if the spec says so",
        "leave `any_turn` out",
    ),
    ("detector", "NeverForgets", "forgets on reset", "forget everything in reset"),
    ("detector", "PaintsOver", "leaves the pictures as they are", "on a copy"),
    ("enhancer", "Shrinks", "gives as many crops as it gets, same size", "crop's own size"),
    ("enhancer", "SharpensInPlace", "leaves its inputs as they are", "work on a copy"),
    ("enhancer", "Accumulates", "forgets earlier calls", "keep no state"),
    ("blender", "AlwaysFull", "obeys the strength", "return None there"),
    ("blender", "WholeFrame", INSIDE, "pixels beside the crop"),
    ("blender", "LeavesTheFrame", INSIDE, "cut it off at the frame's edge"),
    ("blender", "AnArray", INSIDE, "return a Patch or None"),
    ("blender", "PaintsIntoTheFrame", "leaves frame and crop as they are", "work on a copy"),
]
