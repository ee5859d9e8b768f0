"""Segments: the unit of rendering and resuming, a few seconds of one shot, each a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np

from lipsync_core.engine.rendering.frame_renderer import FrameRenderer
from lipsync_core.engine.rendering.generator_runner import Rows
from lipsync_core.media.encoders import EncoderSettings
from lipsync_core.media.formats import VideoFormat
from lipsync_core.media.picture import Picture
from lipsync_core.media.writer import SegmentWriter
from lipsync_core.running.cancellation import NEVER, CancelToken
from lipsync_core.running.queues import Sink, ahead
from lipsync_core.running.stopwatch import Stopwatch
from lipsync_core.targets.target import Target, TargetFrame

QUEUE = 6
"""Frames between decoding, computing and encoding: at 1080p about 9 MB each."""
PASSTHROUGH = "passthrough"
"""Stands for the generator in a shot without any usable face."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Output frames `start` to `stop` of shot number `shot`."""

    number: int
    shot: int
    start: int
    stop: int

    def path(self, folder: Path, generator: str) -> Path:
        """Where this segment lies when `generator` made it."""
        return folder / f"{self.number:06d}-{generator}.nut"


def cut_segments(shots: list[tuple[int, int]], frames: int) -> list[Segment]:
    """Split shots into equal segments of at most `frames` frames."""
    segments: list[Segment] = []
    for shot, (start, stop) in enumerate(shots):
        parts = -(-(stop - start) // frames)
        edges = np.linspace(start, stop, parts + 1).round().astype(int).tolist()
        for a, b in pairwise(edges):
            segments.append(Segment(number=len(segments), shot=shot, start=a, stop=b))
    return segments


def missing_segments(segments: Sequence[Segment], generator: str, folder: Path) -> list[Segment]:
    """Those that are not on disk yet."""
    return [s for s in segments if not s.path(folder, generator).exists()]


class SegmentRenderer:
    """Renders segments of one shot into files; decoding and encoding have threads of their own.

    Args:
        target: output frames with their faces.
        video: format that the encoder takes.
        folder: where segments go.
        settings: how they are encoded.
        watch: where time is booked.
        progress: called with the number of the shot's frames that are finished.
        emphasis: how far the head of a still picture goes with the voice; None: not at all.
        cancel: stops the work between two frames.
    """

    def __init__(
        self,
        target: Target,
        video: VideoFormat,
        folder: Path,
        settings: EncoderSettings,
        watch: Stopwatch,
        progress: Callable[[int], None],
        emphasis: Rows | None = None,
        cancel: CancelToken = NEVER,
    ) -> None:
        self._target = target
        self._emphasis = emphasis
        self._video = video
        self._folder = folder
        self._settings = settings
        self._watch = watch
        self._progress = progress
        self._cancel = cancel
        self._done = 0

    def render(
        self, segments: Sequence[Segment], renderer: FrameRenderer | None, generator: str
    ) -> None:
        """Render the missing ones of `segments` (in order, of one shot).

        Args:
            segments: all segments of the shot.
            renderer: the open generator; None passes every frame through.
            generator: name under which the files are kept.

        Raises:
            StageFailure: the generator failed; finished segments stay, none is half written.
        """
        todo = missing_segments(segments, generator, self._folder)
        finished = sum(s.stop - s.start for s in segments) - sum(s.stop - s.start for s in todo)
        self._done = 0
        self._tell(finished)
        files = _Files(self._folder, generator, self._open, self._watch)

        def finish(item: _Item) -> None:
            files.take(self._finished(item))

        shot = segments[0].start, segments[-1].stop
        with files, Sink(finish, QUEUE) as sink:
            for row in _rows(todo):
                wanted = row[0].start, row[-1].stop
                needed = renderer.around(shot, *wanted) if renderer else wanted
                self._render_row(row, self._walk(*needed), renderer, sink)

    def _render_row(
        self,
        row: list[Segment],
        walk: Iterator[TargetFrame],
        renderer: FrameRenderer | None,
        sink: Sink[_Item],
    ) -> None:
        """Render segments that follow each other; frames around them only take part in their chunks."""
        place = 0
        with closing(ahead(walk, QUEUE)) as frames:
            for number, picture in renderer.render(frames) if renderer else _unchanged(frames):
                if not row[0].start <= number < row[-1].stop:
                    continue
                while number >= row[place].stop:
                    place += 1
                sink.put(_Item(row[place], number, picture, *self._span(row[place], number)))
                self._tell(1)

    def _finished(self, item: _Item) -> _Item:
        """What the target does to a frame with its new mouth: a still picture comes alive."""
        if not self._target.moves:
            return item
        emphasis = np.zeros(2, np.float32)
        if self._emphasis is not None:
            emphasis = self._emphasis.at([self._target.time(item.number)])[0]
        with self._watch.on("idle"):
            return replace(item, picture=self._target.finished(item.number, item.picture, emphasis))

    def forget(self, segments: Sequence[Segment], generator: str) -> None:
        """Remove what a generator that failed left of a shot."""
        for segment in segments:
            path = segment.path(self._folder, generator)
            if path.exists():
                path.unlink()

    def _open(self, path: Path) -> SegmentWriter:
        return SegmentWriter(path, self._video, self._settings)

    def _span(self, segment: Segment, number: int) -> tuple[Fraction, Fraction]:
        """When output frame `number` is shown within its segment, and how long."""
        target, begin = self._target, self._target.time(number)
        last = number + 1 >= target.frames
        end = target.duration if last else target.time(number + 1)
        return begin - target.time(segment.start), end - begin

    def _tell(self, frames: int) -> None:
        self._done += frames
        self._progress(self._done)

    def _walk(self, start: int, stop: int) -> Iterator[TargetFrame]:
        frames = self._target.walk(start, stop)
        while True:
            with self._watch.on("decode"):
                frame = next(frames, None)
            if frame is None:
                return
            self._cancel.check()
            yield frame


@dataclass(frozen=True, slots=True)
class _Item:
    """Output frame `number`, when it is shown within its segment, and how long."""

    segment: Segment
    number: int
    picture: Picture
    time: Fraction
    duration: Fraction


class _Files:
    """Writes pictures into the segment files they belong to, one file after the other."""

    def __init__(
        self,
        folder: Path,
        generator: str,
        opener: Callable[[Path], SegmentWriter],
        watch: Stopwatch,
    ) -> None:
        self._folder = folder
        self._generator = generator
        self._open = opener
        self._watch = watch
        self._segment: Segment | None = None
        self._writer: SegmentWriter | None = None

    def take(self, item: _Item) -> None:
        """Write one picture; a picture of another segment completes the one before."""
        with self._watch.on("encode"):
            if item.segment is not self._segment or self._writer is None:
                self._finish()
                self._segment = item.segment
                self._writer = self._open(item.segment.path(self._folder, self._generator))
            self._writer.write(item.picture, item.time, item.duration)

    def _finish(self) -> None:
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.close()

    def __enter__(self) -> _Files:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if error is None:
            with self._watch.on("encode"):
                self._finish()
        elif self._writer is not None:
            self._writer.abort()
            self._writer = None


def _rows(segments: list[Segment]) -> Iterator[list[Segment]]:
    """Segments that follow each other without a gap, together: they are decoded without a seek."""
    queue = list(segments)
    while queue:
        row = [queue.pop(0)]
        while queue and queue[0].start == row[-1].stop:
            row.append(queue.pop(0))
        yield row


def _unchanged(frames: Iterator[TargetFrame]) -> Iterator[tuple[int, Picture]]:
    return ((frame.number, frame.picture) for frame in frames)
