"""A video or animation as the target of a run: its frames in the order of a schedule, with their faces."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lipsync_core.faces.analysis import Analysis
from lipsync_core.faces.mouth_range import mouth_range
from lipsync_core.faces.selection import FaceChoice
from lipsync_core.media.probe import TargetInfo
from lipsync_core.media.reader import VideoReader
from lipsync_core.media.schedule import Schedule
from lipsync_core.records import MouthRange
from lipsync_core.targets.representative_frames import most_representative
from lipsync_core.targets.target import FaceHere, Target, TargetFrame


class VideoTarget(Target):
    """A video or animation, shown in the order of a schedule."""

    CLEAR = 0.9
    """Strength from which a frame can say what a face looks like: not covered, bowed or turned away."""
    BLOCK = 128
    """Frames whose landmarks are read at a time."""

    def __init__(
        self, info: TargetInfo, schedule: Schedule, analysis: Analysis, choice: FaceChoice
    ) -> None:
        self._info = info
        self._reader: VideoReader | None = None
        self._schedule = schedule
        self._analysis = analysis
        self._choice = choice
        self.identity = analysis.about
        self.video = info.video
        self.frames = len(schedule)
        self.scheme = analysis.scheme
        self.variable_rate = info.video.variable_rate
        self._damaged: set[int] = set()
        self._source = np.array([schedule.source(k) for k in range(len(schedule))], np.int64)

    def __getstate__(self) -> dict[str, object]:
        """All but the open file: a target can be pickled, and reads the file again where it arrives."""
        return self.__dict__ | {"_reader": None}

    @property
    def duration(self) -> Fraction:
        """Seconds of the output."""
        return self._schedule.duration

    def time(self, number: int) -> Fraction:
        """When output frame `number` is shown, in seconds."""
        return self._schedule.time(number)

    def shots(self) -> list[tuple[int, int]]:
        """`[start, stop)` of output frames: one shot of the source, played without a jump."""
        starts = np.array([start for start, _ in self._analysis.shots])
        shot = np.searchsorted(starts, self._source, side="right")
        jump = np.abs(np.diff(self._source)) > 1
        breaks = np.flatnonzero((np.diff(shot) != 0) | jump) + 1
        edges = [0, *breaks.tolist(), self.frames]
        return [(a, b) for a, b in itertools.pairwise(edges) if b > a]

    def walk(self, start: int, stop: int) -> Iterator[TargetFrame]:
        """Output frames in order; a bounded number is held."""
        if self._reader is None:
            self._reader = VideoReader(self._info)
        pictures = self._reader.frames_at(self._source[start:stop].tolist())
        faces: dict[int, FaceHere] = {}
        for number, picture in enumerate(pictures, start):
            if (number - start) % self.BLOCK == 0:
                faces = self._faces(number, min(stop, number + self.BLOCK))
            yield TargetFrame(number=number, picture=picture, face=faces.get(number))

    def _faces(self, start: int, stop: int) -> dict[int, FaceHere]:
        """Faces of output frames `start` to `stop`, by number."""
        source = self._source[start:stop]
        rows, strength = self._choice.rows[source], self._choice.strength[source]
        usable = np.flatnonzero((rows >= 0) & (strength > 0))
        faces: dict[int, FaceHere] = {}
        tracks = self._analysis.rows["track"][rows[usable]]
        for track in np.unique(tracks):
            at = usable[tracks == track]
            points, boxes = self._analysis.smoothed(rows[at])
            quarters = self._choice.quarters[source[at]]
            for n, k in enumerate(at.tolist()):
                faces[start + k] = FaceHere(
                    track=int(track),
                    landmarks=points[n],
                    box=boxes[n],
                    strength=float(strength[k]),
                    quarter=int(quarters[n]),
                )
        return faces

    def tracks(self) -> NDArray[np.int64]:
        """`(frames,)` the face that speaks in each output frame; -1 where the frame passes through."""
        rows, strength = self._choice.rows[self._source], self._choice.strength[self._source]
        usable = (rows >= 0) & (strength > 0)
        found = np.full(self.frames, -1, np.int64)
        found[usable] = self._analysis.rows["track"][rows[usable]]
        return found

    def representative_frames(self, track: int, limit: int) -> Iterator[TargetFrame]:
        """The most open mouths, the most closed ones, and a spread between, of frames that are shown anew."""
        rows = self._best(track)
        if not len(rows):
            return
        keyframes = self._info.index.keyframes
        chosen = rows[most_representative(self._analysis.rows[rows], keyframes, limit)]
        frames = self._analysis.rows["frame"][chosen].astype(np.int64)
        points, boxes = self._analysis.smoothed(chosen)
        quarters = self._analysis.rows["quarter"][chosen]
        with VideoReader(self._info) as reader:  # `walk` is reading on in another thread
            for n, picture in enumerate(reader.frames_at(frames.tolist())):
                face = FaceHere(
                    track=track,
                    landmarks=points[n],
                    box=boxes[n],
                    strength=1.0,
                    quarter=int(quarters[n]),
                )
                yield TargetFrame(number=int(frames[n]), picture=picture, face=face)

    def mouth_range(self, track: int) -> MouthRange | None:
        """From every frame of the track in which the mouth is seen well."""
        return mouth_range(self._analysis.rows[self._best(track)], self.video.frame_rate)

    def _best(self, track: int) -> NDArray[np.int64]:
        """Rows of a track whose mouths can be seen well; all of them where none can."""
        rows = np.flatnonzero(self._analysis.rows["track"] == track)
        frames = self._analysis.rows["frame"][rows]
        speaks = self._choice.rows[frames] == rows
        for least in (self.CLEAR, 0.0):
            seen = speaks & (self._choice.strength[frames] > least)
            if seen.any():
                rows = rows[seen]
                break
        return rows

    def extent(self, track: int) -> NDArray[np.float64]:
        """`(M, 4)` landmark bounding boxes of the whole track."""
        return self._analysis.extent(track)

    def reasons(self) -> NDArray[np.int8]:
        """`(frames,)` index into `REASONS`."""
        return self._choice.reasons[self._source]

    def quarters(self) -> NDArray[np.int8]:
        """`(frames,)` how the speaking face is turned."""
        return self._choice.quarters[self._source]

    @property
    def damaged(self) -> set[int]:
        """Source frames that could not be decoded and were replaced by the one before."""
        return self._damaged | (self._reader.damaged if self._reader else set())

    def close(self) -> None:
        """Close the video; a later walk opens it again."""
        if self._reader is not None:
            self._damaged |= self._reader.damaged
            self._reader.close()
            self._reader = None
