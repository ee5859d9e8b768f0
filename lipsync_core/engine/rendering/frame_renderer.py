"""One opened generator with all that it needs, and the painting of new mouths into a run of frames.

Frames come in, the same frames with new mouths come out: crop, features, generate, blend, enhance. It
knows nothing of files, segments or threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lipsync_core.engine.rendering.chunks import ChunkGrid
from lipsync_core.engine.rendering.compositor import Compositor
from lipsync_core.engine.rendering.generator_runner import GeneratorRunner, Rows
from lipsync_core.media.picture import Picture
from lipsync_core.running.stopwatch import Stopwatch
from lipsync_core.targets.canvas import Canvas
from lipsync_core.targets.placement import Placed, canvas_for, face_of, place_on
from lipsync_core.targets.target import Target, TargetFrame


@dataclass(slots=True)
class _Span:
    """Frames of one track waiting to be generated; the first `kept` were generated already."""

    track: int = -1
    frames: list[TargetFrame] = field(default_factory=list)
    kept: NDArray[np.uint8] | None = None


class FrameRenderer:
    """A generator with its compositor, and a resting mouth for silence.

    Args:
        runner: the generator at work.
        compositor: blender and enhancers.
        target: where the faces are.
        activity: speech activity; None: always speaking.
        rest: another mouth that closes the lips in silence, where the generator's own features
            cannot say "rest"; None: silence shows the target as it is.
        watch: where time is booked.
        resources: closes the plugins.
    """

    def __init__(
        self,
        runner: GeneratorRunner,
        compositor: Compositor,
        target: Target,
        activity: Rows | None,
        rest: GeneratorRunner | None,
        watch: Stopwatch,
        resources: ExitStack,
    ) -> None:
        self.runner = runner
        self._compositor = compositor
        self._target = target
        self._activity = activity
        self._rest = rest
        self._watch = watch
        self._resources = resources

    def around(self, shot: tuple[int, int], start: int, stop: int) -> tuple[int, int]:
        """The output frames that `render` must be given to make `start` to `stop` of a shot.

        Args:
            shot: first output frame of the shot and the one after its last.
            start: first frame wanted.
            stop: the one after the last wanted.

        Returns:
            First frame and the one after the last, within the shot.
        """
        tracks = self._tracks[slice(*shot)]
        first, last = self._grid.around(tracks, start - shot[0], stop - shot[0])
        return shot[0] + first, shot[0] + last

    @cached_property
    def _tracks(self) -> NDArray[np.int64]:
        return self._target.tracks()

    @property
    def _grid(self) -> ChunkGrid:
        return ChunkGrid(self.runner.chunk_frames, self.runner.spec.chunk.overlap)

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
            if len(span.frames) >= self.runner.chunk_frames:
                yield from self._step(span)
        yield from self._end(span)

    def _step(self, span: _Span) -> Iterator[tuple[int, Picture]]:
        """Generate a full chunk; the frames shared with the next one stay in the span."""
        yield from self._make(span, self._grid.shared)

    def _end(self, span: _Span) -> Iterator[tuple[int, Picture]]:
        if span.frames:
            yield from self._make(span, 0)

    def _make(self, span: _Span, keep: int) -> Iterator[tuple[int, Picture]]:
        frames = span.frames
        fade = self._fade(frames)
        with self._watch.on("crop"):
            placed = self.runner.place(frames)
            rest = self._rest.place(frames) if self._rest and np.any(fade < 1.0) else None
            better = [place_on(spec, self._target, frames) for spec in self._compositor.crops]
            every = [placed, *([rest] if rest else []), *better]
            every += [
                place_on(spec, self._target, frames) for spec in self._compositor.surroundings
            ]
            canvases = [canvas_for(frame, n, every) for n, frame in enumerate(frames)]
            # Before lips are closed in them: what a generator sees of a frame does not depend on the voice.
            crops = placed.cut(canvases)
        if rest is not None:
            self._close_lips(frames, canvases, rest, fade)
        if span.kept is not None and len(span.kept) == len(frames):
            made = span.kept  # the span ended with the chunk before
        else:
            made = self.runner.generate(frames, crops, fade)
            if span.kept is not None:
                made = _crossfaded(span.kept, made)
        ready = len(frames) - keep
        landmarks = [face_of(frame).landmarks for frame in frames]
        strengths = [self._strength(f, float(v)) for f, v in zip(frames, fade, strict=True)]
        for n in range(ready):
            with self._watch.on("blend"):
                self._compositor.blend(
                    canvases[n], landmarks[n], made[n], placed.matrices[n], self.runner.spec.region,
                    strengths[n], by_generator=True,
                )  # fmt: skip
        with self._watch.on("enhance"):
            self._compositor.enhance(canvases, landmarks, better, strengths[:ready])
        for frame, canvas in zip(frames[:ready], canvases, strict=False):
            with self._watch.on("paste"):
                picture = canvas.picture()
            yield frame.number, picture
        span.frames = frames[ready:]
        span.kept = made[ready:] if keep else None

    def _strength(self, frame: TargetFrame, fade: float) -> float:
        """Share of the new crop that the blender shows; generators that fade do their part inside."""
        strength = 1.0 if self.runner.spec.fades else face_of(frame).strength
        return strength if self.runner.zero_is_rest else strength * fade

    def _close_lips(
        self,
        frames: list[TargetFrame],
        canvases: list[Canvas],
        rest: Placed,
        fade: NDArray[np.float32],
    ) -> None:
        """Put a mouth at rest under the new one, in the frames where the new one fades."""
        assert self._rest is not None
        quiet = [n for n in range(len(frames)) if fade[n] < 1.0]
        few = [frames[n] for n in quiet]
        crops = rest.only(quiet).cut([canvases[n] for n in quiet])
        made = self._rest.generate(few, crops, np.zeros(len(few), np.float32))
        for image, n in zip(made, quiet, strict=True):
            points, region = face_of(frames[n]).landmarks, self._rest.spec.region
            self._compositor.blend(canvases[n], points, image, rest.matrices[n], region, 1.0)

    def _fade(self, frames: list[TargetFrame]) -> NDArray[np.float32]:
        if self._activity is None:
            return np.ones(len(frames), np.float32)
        return self._activity.at(self._target.time(f.number) for f in frames)

    def close(self, *, failed: bool = False) -> None:
        """Give the generators back to the pool and close the blender of its own.

        Args:
            failed: the generator failed; nobody else gets it as it is.
        """
        if failed:
            self.runner.discard()
        self._resources.close()


def _crossfaded(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Fade from an earlier chunk's view of the shared frames to the later one's."""
    n = len(before)
    share = ((np.arange(n) + 1.0) / (n + 1.0)).reshape(-1, 1, 1, 1)
    mixed = after.copy()
    mixed[:n] = np.round(before * (1.0 - share) + after[:n] * share).astype(np.uint8)
    return mixed
