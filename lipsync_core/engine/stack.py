"""One opened generator with all that it needs, and the making of patches for a run of frames.

Frames come in, the same frames with patches come out: crop, features, generate, blend, enhance. It
knows nothing of files, segments or threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from lipsync_core.contracts import Blender, Enhancer, Generator
from lipsync_core.engine.chain import Candidate, checked, guarded
from lipsync_core.engine.stopwatch import Stopwatch
from lipsync_core.engine.target import FaceHere, Target, TargetFrame
from lipsync_core.errors import OutOfMemory
from lipsync_core.faces.crops import cut_all, place
from lipsync_core.faces.schemes import convert
from lipsync_core.media.picture import Picture
from lipsync_core.records import Chunk, Crops, Image, Patch, Prepared
from lipsync_core.specs import BlenderSpec, CropSpec, EnhancerSpec, GeneratorSpec


class Rows(Protocol):
    """Features or voice activity by time: a file of a whole voice, or what a live session has heard."""

    def at(self, times: Iterable[Fraction]) -> NDArray[np.float32]:
        """`(n, *shape)` rows for `times` in seconds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """What happens to a generated crop: the blender, then enhancers with their strengths."""

    blender: Blender
    blender_spec: BlenderSpec
    enhancers: tuple[tuple[Enhancer, EnhancerSpec, float], ...] = ()


@dataclass(slots=True)
class _Span:
    """Frames of one track waiting to be generated; the first `kept` were generated already."""

    track: int = -1
    frames: list[TargetFrame] = field(default_factory=list)
    kept: NDArray[np.uint8] | None = None


class Mouth:
    """One generator at work on a target: keeps its prepared tracks, makes crops and asks it.

    Args:
        candidate: what is opened.
        generator: the open generator.
        target: where the faces are.
        rows: features of its encoder; None makes a mouth at rest (rows of zeros).
        watch: where time is booked.
    """

    KEPT_TRACKS = 16

    def __init__(
        self,
        candidate: Candidate,
        generator: Generator,
        target: Target,
        rows: Rows | None,
        watch: Stopwatch,
    ) -> None:
        self.spec: GeneratorSpec = candidate.spec
        self.chunk_frames = max(1, candidate.spec.chunk.frames)
        self.zero_is_rest = candidate.encoder.zero_is_rest
        self._shape = candidate.encoder.feature_shape
        self._generator = generator
        self._target = target
        self._rows = rows
        self._watch = watch
        self._prepared: dict[int, Prepared] = {}

    def crops(self, frames: list[TargetFrame], images: list[Image]) -> Crops:
        """Crops of frames that all show the same track."""
        return crops_for(self.spec.crop, self._target, frames, images)

    def generate(
        self, frames: list[TargetFrame], crops: Crops, fade: NDArray[np.float32]
    ) -> NDArray[np.uint8]:
        """New crops `(N, H, W, 3)`.

        Args:
            frames: N frames of one track.
            crops: of these frames.
            fade: `(N,)` 0..1, by which rows of an encoder whose zero is rest are multiplied.

        Raises:
            StageFailure: it failed or gave something unusable.
            OutOfMemory: also a smaller chunk did not fit.
        """
        features = self._features(frames, fade)
        chunk = Chunk(
            crops=crops,
            features=features,
            strength=np.array([_face(f).strength for f in frames], np.float32),
            prepared=self._prepare(crops),
        )
        with self._watch.on("generate"):
            try:
                made = guarded("generate", lambda: self._generator.generate(chunk))
            except OutOfMemory:
                if len(chunk) == 1:
                    raise
                self.chunk_frames = max(1, len(chunk) // 2)
                return np.concatenate(
                    [
                        checked(
                            guarded("generate", partial(self._generator.generate, part)),
                            part.crops.images,
                        )
                        for part in _pieces(chunk, self.chunk_frames, self.spec)
                    ]
                )
        return checked(made, crops.images)

    def _features(
        self, frames: list[TargetFrame], fade: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        if self._rows is None:
            return np.zeros((len(frames), *self._shape), np.float32)
        rows = self._rows.at(self._target.time(f.number) for f in frames)
        if self.zero_is_rest:
            rows *= fade.reshape(-1, *([1] * len(self._shape)))
        return rows

    def _prepare(self, crops: Crops) -> Prepared:
        scope = self.spec.prepare.scope
        if scope == "none":
            return {}
        with self._watch.on("prepare"):
            if scope == "frame":
                return cast(Prepared, guarded("prepare", lambda: self._generator.prepare(crops)))
            if crops.track not in self._prepared:
                if len(self._prepared) >= self.KEPT_TRACKS:
                    self._prepared.pop(next(iter(self._prepared)))
                self._prepared[crops.track] = self._prepare_track(crops.track)
            return self._prepared[crops.track]

    def _prepare_track(self, track: int) -> Prepared:
        """Crops are cut as the frames come by, so that only crops are held, never frames."""
        telling_frames = self._target.telling(track, self.spec.prepare.samples)
        parts = [self.crops([frame], [frame.picture.rgb()]) for frame in telling_frames]
        telling = Crops(
            frames=np.concatenate([p.frames for p in parts]),
            track=track,
            images=np.concatenate([p.images for p in parts]),
            matrices=np.concatenate([p.matrices for p in parts]),
            landmarks=np.concatenate([p.landmarks for p in parts]),
            scheme=parts[0].scheme,
        )
        return cast(Prepared, guarded("prepare", lambda: self._generator.prepare(telling)))


class Stack:
    """A generator with its finish, and a resting mouth for silence.

    Args:
        mouth: the generator at work.
        finish: blender and enhancers.
        target: where the faces are.
        activity: voice activity; None: always speaking.
        rest: another mouth that closes the lips in silence, where the generator's own features
            cannot say "rest"; None: silence shows the target as it is.
        watch: where time is booked.
        resources: closes the plugins.
    """

    def __init__(
        self,
        mouth: Mouth,
        finish: Finish,
        target: Target,
        activity: Rows | None,
        rest: Mouth | None,
        watch: Stopwatch,
        resources: ExitStack,
    ) -> None:
        self.mouth = mouth
        self._finish = finish
        self._target = target
        self._activity = activity
        self._rest = rest
        self._watch = watch
        self._fades_rows = mouth.zero_is_rest
        self._resources = resources

    def render(self, frames: Iterable[TargetFrame]) -> Iterator[tuple[int, Picture]]:
        """The same frames, in order, with the new mouth: (output frame number, picture).

        Raises:
            StageFailure: the generator failed.
            OutOfMemory: it does not fit, not even in small pieces.
        """
        span = _Span()
        for frame in frames:
            track = frame.face.track if frame.face else -1
            if track != span.track:
                yield from self._end(span)
                span = _Span(track=track)
            if track < 0:
                yield frame.number, frame.picture
                continue
            span.frames.append(frame)
            if len(span.frames) >= self.mouth.chunk_frames:
                yield from self._step(span)
        yield from self._end(span)

    def _step(self, span: _Span) -> Iterator[tuple[int, Picture]]:
        """Generate a full chunk; the frames shared with the next one stay in the span."""
        keep = min(self.mouth.spec.chunk.overlap, len(span.frames) - 1)
        yield from self._make(span, keep)

    def _end(self, span: _Span) -> Iterator[tuple[int, Picture]]:
        if span.frames:
            yield from self._make(span, 0)

    def _make(self, span: _Span, keep: int) -> Iterator[tuple[int, Picture]]:
        frames = span.frames
        with self._watch.on("crop"):
            fade = self._fade(frames)
            images = [self._base(frame, float(a)) for frame, a in zip(frames, fade, strict=True)]
            crops = self.mouth.crops(frames, images)
        made = self.mouth.generate(frames, crops, fade)
        if span.kept is not None:
            made = _crossfaded(span.kept, made)
        ready = len(frames) - keep
        for n in range(ready):
            yield frames[n].number, self._finished(frames[n], images[n], crops, made[n], n, fade[n])
        span.frames = frames[ready:]
        span.kept = made[ready:] if keep else None

    def _fade(self, frames: list[TargetFrame]) -> NDArray[np.float32]:
        if self._activity is None:
            return np.ones(len(frames), np.float32)
        return self._activity.at(self._target.time(f.number) for f in frames)

    def _base(self, frame: TargetFrame, fade: float) -> Image:
        """The picture that the new mouth goes on: the target's, with its lips closed in silence."""
        image = frame.picture.rgb()
        if self._rest is None or fade >= 1.0 or self._fades_rows:
            return image
        crops = self._rest.crops([frame], [image])
        made = self._rest.generate([frame], crops, np.zeros(1, np.float32))
        patch = Patch(
            x=round(-crops.matrices[0, 0, 2]), y=round(-crops.matrices[0, 1, 2]), image=made[0]
        )
        return _pasted(image, patch)

    def _finished(
        self,
        frame: TargetFrame,
        base: Image,
        crops: Crops,
        made: NDArray[np.uint8],
        n: int,
        fade: np.float32,
    ) -> Picture:
        face, spec = _face(frame), self.mouth.spec
        strength = 1.0 if spec.fades else face.strength
        if not self._fades_rows:
            strength *= float(fade)
        original = frame.picture.rgb()
        patches: list[Patch] = []
        with self._watch.on("blend"):
            if base is not original:
                patches.append(_difference(original, base))
            points = convert(face.landmarks, self._target.scheme, self._finish.blender_spec.scheme)
            patch = self._finish.blender.blend(
                base, made, crops.matrices[n], points, spec.region, strength
            )
            if patch is not None:
                patches.append(patch)
        if self._finish.enhancers and strength > 0:
            with self._watch.on("enhance"):
                patches += self._enhanced(frame, original, patches, strength)
        return frame.picture.with_patches(patches)

    def _enhanced(
        self, frame: TargetFrame, image: Image, patches: list[Patch], strength: float
    ) -> list[Patch]:
        for patch in patches:
            image = _pasted(image, patch)
        added: list[Patch] = []
        for enhancer, spec, share in self._finish.enhancers:
            crops = crops_for(spec.crop, self._target, [frame], [image])
            better = enhancer.enhance(crops)[0]
            points = convert(
                _face(frame).landmarks, self._target.scheme, self._finish.blender_spec.scheme
            )
            new = self._finish.blender.blend(
                image, better, crops.matrices[0], points, spec.region, share * strength
            )
            if new is not None:
                added.append(new)
                image = _pasted(image, new)
        return added

    def close(self) -> None:
        """Close every plugin of this stack."""
        self._resources.close()


def crops_for(
    spec: CropSpec, target: Target, frames: list[TargetFrame], images: list[Image]
) -> Crops:
    """Crops of `images` as `spec` wants them; the frames all show one track."""
    faces = [_face(frame) for frame in frames]
    points = np.stack([face.landmarks for face in faces])
    matrices, size = place(
        spec,
        np.stack([face.box for face in faces]),
        points,
        target.scheme,
        target.extent(faces[0].track),
    )
    numbers = np.array([frame.picture.info.index for frame in frames], np.int64)
    scheme = spec.scheme
    return cut_all(
        images,
        numbers,
        faces[0].track,
        matrices,
        size,
        convert(points, target.scheme, scheme),
        scheme,
    )


def _face(frame: TargetFrame) -> FaceHere:
    assert frame.face is not None, "only frames with a face reach a generator"
    return frame.face


def _pieces(chunk: Chunk, size: int, spec: GeneratorSpec) -> Iterator[Chunk]:
    """The chunk in pieces of `size` frames; prepared arrays with one row a frame go along."""
    crops, per_frame = chunk.crops, spec.prepare.scope == "frame"
    for a in range(0, len(chunk), size):
        cut = slice(a, a + size)
        yield Chunk(
            crops=Crops(
                frames=crops.frames[cut],
                track=crops.track,
                images=crops.images[cut],
                matrices=crops.matrices[cut],
                landmarks=crops.landmarks[cut],
                scheme=crops.scheme,
            ),
            features=chunk.features[cut],
            strength=chunk.strength[cut],
            prepared={k: v[cut] if per_frame else v for k, v in chunk.prepared.items()},
        )


def _crossfaded(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Fade from an earlier chunk's view of the shared frames to the later one's."""
    n = len(before)
    share = ((np.arange(n) + 1.0) / (n + 1.0)).reshape(-1, 1, 1, 1)
    mixed = after.copy()
    mixed[:n] = np.round(before * (1.0 - share) + after[:n] * share).astype(np.uint8)
    return mixed


def _pasted(image: Image, patch: Patch) -> Image:
    """A copy of `image` with `patch` in it, cut off at the edges."""
    out = image.copy()
    h, w = image.shape[:2]
    x0, y0 = max(patch.x, 0), max(patch.y, 0)
    x1, y1 = min(patch.x + patch.image.shape[1], w), min(patch.y + patch.image.shape[0], h)
    if x1 > x0 and y1 > y0:
        out[y0:y1, x0:x1] = patch.image[y0 - patch.y : y1 - patch.y, x0 - patch.x : x1 - patch.x]
    return out


def _difference(old: Image, new: Image) -> Patch:
    """The smallest patch that turns `old` into `new` (one pixel when they are equal)."""
    changed = (old != new).any(axis=2)
    rows, cols = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    if not len(rows):
        return Patch(x=0, y=0, image=old[:1, :1])
    y0, y1, x0, x1 = rows[0], rows[-1] + 1, cols[0], cols[-1] + 1
    return Patch(x=int(x0), y=int(y0), image=np.ascontiguousarray(new[y0:y1, x0:x1]))
