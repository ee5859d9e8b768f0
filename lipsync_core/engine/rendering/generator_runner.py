"""One generator at work on a target: features, what is prepared, chunks, memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lipsync_core.engine.chain.failures import checked, guarded
from lipsync_core.engine.chain.resolve import Candidate
from lipsync_core.engine.hosts.pool import Lease
from lipsync_core.engine.prepared.avatars import Avatar
from lipsync_core.engine.prepared.preparation import Preparation
from lipsync_core.errors import OutOfMemory
from lipsync_core.records import Chunk, Crops, Generated, Prepared
from lipsync_core.running.counters import FRAMES_SILENT
from lipsync_core.running.stopwatch import Stopwatch
from lipsync_core.specs import GeneratorSpec
from lipsync_core.targets.placement import Placed, canvas_for, face_of, place_on
from lipsync_core.targets.target import Target, TargetFrame


class Rows(Protocol):
    """Features or speech activity by time: a file of a whole voice, or what a live session has heard."""

    def at(self, times: Iterable[Fraction]) -> NDArray[np.float32]:
        """`(n, *shape)` rows for `times` in seconds."""
        ...


class GeneratorRunner:
    """One generator at work on a target: places its crops and asks it.

    Args:
        candidate: what is opened.
        lease: the open generator.
        target: where the faces are.
        rows: features of its encoder; None makes a mouth at rest (rows of zeros).
        watch: where time is booked.
        avatar: where what it prepares of the target is kept, if it is.

    Attributes:
        told: takes what the generator notes of output frames: the first, the last, the note.
    """

    def __init__(
        self,
        candidate: Candidate,
        lease: Lease,
        target: Target,
        rows: Rows | None,
        watch: Stopwatch,
        avatar: Avatar | None = None,
    ) -> None:
        self.spec: GeneratorSpec = candidate.spec
        self.chunk_frames = max(1, candidate.spec.chunk.frames)
        self.zero_is_rest = candidate.encoder.spec.zero_is_rest
        self._settings = candidate.context.options
        self._shape = candidate.encoder.spec.feature_shape
        self._lease = lease
        self._generator = lease.generator
        self._target = target
        self._rows = rows
        self._watch = watch
        self.told: Callable[[int, int, str], None] | None = None
        self._silent_until = -1
        self._preparation = Preparation(lease.generator, avatar, watch)

    def discard(self) -> None:
        """The generator failed: the next lease of it opens it anew."""
        self._lease.release(broken=True)

    def place(self, frames: list[TargetFrame]) -> Placed:
        """Where the crops of frames lie that all show the same track."""
        return place_on(self.spec.crop, self._target, frames, self._settings)

    def generate(
        self, frames: list[TargetFrame], crops: Crops, fade: NDArray[np.float32]
    ) -> NDArray[np.uint8]:
        """New crops `(N, H, W, 3)`.

        Args:
            frames: N frames of one track.
            crops: of these frames.
            fade: `(N,)` 0..1, how much of the new crop the blender shows: where that is nothing, the
                generator is not asked. Where zero means rest, the rows themselves are at rest in silence.

        Raises:
            StageFailure: it failed or gave something unusable.
            OutOfMemory: also a smaller chunk did not fit.
        """
        asked = self._wanted(fade)
        if len(asked) == len(frames):
            return self._made(frames, crops)
        self._count_silent([f for n, f in enumerate(frames) if n not in asked])
        made = crops.images.copy()
        if asked:
            few = [frames[n] for n in asked]
            made[asked] = self._made(few, crops.only(asked))
        return made

    def _wanted(self, fade: NDArray[np.float32]) -> list[int]:
        """The frames that the generator must make."""
        shown = np.flatnonzero(fade > 0).tolist()
        whole = self.zero_is_rest or (len(shown) and not self.spec.chunk.batches)
        return list(range(len(fade))) if whole else shown

    def _count_silent(self, frames: list[TargetFrame]) -> None:
        """Neighbouring chunks may share frames, which count once."""
        new = [frame.number for frame in frames if frame.number > self._silent_until]
        self._watch.count(FRAMES_SILENT, len(new))
        self._silent_until = max([self._silent_until, *new])

    def _made(self, frames: list[TargetFrame], crops: Crops) -> NDArray[np.uint8]:
        features = self._features(frames)
        chunk = Chunk(
            crops=crops,
            features=features,
            strength=np.array([face_of(f).strength for f in frames], np.float32),
            prepared=self.prepare(crops),
        )
        numbers = [frame.number for frame in frames]
        with self._watch.on("generate"):
            try:
                return self._called(chunk, numbers)
            except OutOfMemory:
                if len(chunk) == 1:
                    raise
                size = self.chunk_frames = max(1, len(chunk) // 2)
                pieces = enumerate(_pieces(chunk, size, self.spec))
                return np.concatenate(
                    [self._called(part, numbers[n * size : (n + 1) * size]) for n, part in pieces]
                )

    def _called(self, chunk: Chunk, numbers: list[int]) -> NDArray[np.uint8]:
        """One call, for these output frames; its note goes where notes go."""
        given = guarded("generate", lambda: self._generator.generate(chunk))
        made, note = (given.images, given.note) if isinstance(given, Generated) else (given, "")
        images = checked(made, chunk.crops.images)
        if note and self.told is not None:
            self.told(numbers[0], numbers[-1], note)
        return images

    def _features(self, frames: list[TargetFrame]) -> NDArray[np.float32]:
        if self._rows is None:
            return np.zeros((len(frames), *self._shape), np.float32)
        return self._rows.at(self._target.time(f.number) for f in frames)

    def prepare(self, crops: Crops) -> Prepared:
        """What the generator prepares for crops of one track, as its spec says.

        Raises:
            StageFailure: it failed or gave something unusable.
            OutOfMemory: not even one crop fits.
        """
        scope = self.spec.prepare.scope
        if scope == "none":
            return {}
        with self._watch.on("prepare"):
            if scope == "frame":
                return self._preparation.of_frames(crops)
            return self._preparation.of_track(
                crops.track, lambda: self._representative_crops(crops.track)
            )

    def _representative_crops(self, track: int) -> Crops:
        """Crops are cut while the frames are decoded, so that only crops are held, never frames."""
        parts: list[Crops] = []
        for frame in self._target.representative_frames(track, self.spec.prepare.samples):
            placed = self.place([frame])
            parts.append(placed.cut([canvas_for(frame, 0, [placed])]))
        return Crops(
            frames=np.concatenate([p.frames for p in parts]),
            track=track,
            images=np.concatenate([p.images for p in parts]),
            matrices=np.concatenate([p.matrices for p in parts]),
            landmarks=np.concatenate([p.landmarks for p in parts]),
            scheme=parts[0].scheme,
            mouth=self._target.mouth_range(track),
        )


def _pieces(chunk: Chunk, size: int, spec: GeneratorSpec) -> Iterator[Chunk]:
    """The chunk in pieces of `size` frames; prepared arrays with one row a frame go along."""
    crops, per_frame = chunk.crops, spec.prepare.scope == "frame"
    for a in range(0, len(chunk), size):
        cut = slice(a, a + size)
        yield Chunk(
            crops=crops.only(cut),
            features=chunk.features[cut],
            strength=chunk.strength[cut],
            prepared={k: v[cut] if per_frame else v for k, v in chunk.prepared.items()},
        )
