"""The moving target of a run: output frames with their pictures and faces, from a video or a still.

A still picture becomes a moving target here, so that nothing after this file knows the difference.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lipsync_core.faces.analysis import Analysis
from lipsync_core.faces.idle import IdleMotion
from lipsync_core.faces.mouth_range import mouth_range
from lipsync_core.faces.selection import REASONS, FaceChoice
from lipsync_core.faces.turns import rotations
from lipsync_core.media.formats import VideoFormat
from lipsync_core.media.picture import Picture
from lipsync_core.media.probe import TargetInfo
from lipsync_core.media.reader import VideoReader
from lipsync_core.media.schedule import Schedule
from lipsync_core.records import FrameInfo, Image, MouthRange, Points, Scheme
from lipsync_core.targets.representative_frames import most_representative


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceHere:
    """The face that is to speak in one frame: smoothed `landmarks` and `box` in frame pixels.

    `quarter` says how it is turned in the picture plane (`faces.turns`).
    """

    track: int
    landmarks: Points
    box: NDArray[np.float64]
    strength: float
    quarter: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetFrame:
    """Output frame `number`: what it shows, and whose mouth is replaced (None: passthrough)."""

    number: int
    picture: Picture
    face: FaceHere | None


class Target(ABC):
    """Output frames 0 .. frames-1, each with a picture, an exact time and perhaps a face.

    A target is data: it can be pickled, and opens its files when it is walked.

    Attributes:
        video: format of the pictures.
        frames: number of output frames.
        scheme: landmark scheme of the faces.
        variable_rate: frames do not come at a constant rate.
        identity: what tells its content and its faces from any other's; empty: it is like no other.
    """

    identity: Mapping[str, str] = {}
    video: VideoFormat
    frames: int
    scheme: Scheme
    variable_rate: bool

    @property
    def damaged(self) -> set[int]:
        """Source frames that could not be decoded and were replaced by the one before."""
        return set()

    @property
    @abstractmethod
    def duration(self) -> Fraction:
        """Seconds of the output."""

    @abstractmethod
    def time(self, number: int) -> Fraction:
        """When output frame `number` is shown, in seconds."""

    @abstractmethod
    def shots(self) -> list[tuple[int, int]]:
        """`[start, stop)` of output frames in which no cut lies."""

    @abstractmethod
    def walk(self, start: int, stop: int) -> Iterator[TargetFrame]:
        """Output frames in order; a bounded number is held."""

    @abstractmethod
    def tracks(self) -> NDArray[np.int64]:
        """`(frames,)` the face that speaks in each output frame; -1 where the frame passes through."""

    @abstractmethod
    def representative_frames(self, track: int, limit: int) -> Iterator[TargetFrame]:
        """At most `limit` frames that say most about the face of `track`, always the same ones."""

    @property
    def moves(self) -> bool:
        """`finished` changes frames."""
        return False

    def finished(self, number: int, picture: Picture, emphasis: NDArray[np.float32]) -> Picture:
        """Output frame `number` with its new mouth, as it is shown.

        Args:
            number: of the frame.
            picture: with the new mouth.
            emphasis: `(2,)` how far head and brows go with the voice (`voice.emphasis`).
        """
        return picture

    def mouth_range(self, track: int) -> MouthRange | None:
        """How far the person of `track` moves the mouth in speaking; None where it hardly moves."""
        return None

    @abstractmethod
    def extent(self, track: int) -> NDArray[np.float64]:
        """`(M, 4)` landmark bounding boxes of the whole track, its face upright."""

    def close(self) -> None:  # noqa: B027 - a still holds nothing open
        """Close files."""

    @abstractmethod
    def reasons(self) -> NDArray[np.int8]:
        """`(frames,)` index into `REASONS`: why an output frame passes through (0: it does not)."""

    @abstractmethod
    def quarters(self) -> NDArray[np.int8]:
        """`(frames,)` how the speaking face is turned (`faces.turns`); 0 where the frame passes through."""


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


class StillTarget(Target):
    """The same picture for as long as the audio lasts; finished frames blink, sway and go with the voice.

    Args:
        image: `(H, W, 3)` uint8 RGB.
        video: format of the frames made from it.
        analysis: of the one picture.
        choice: of the one picture.
        frames: number of output frames.
        idle: False keeps it perfectly still.
        seed: for the times of the blinks.
    """

    def __init__(
        self,
        image: Image,
        video: VideoFormat,
        analysis: Analysis,
        choice: FaceChoice,
        frames: int,
        *,
        idle: bool,
        seed: int,
    ) -> None:
        self._image = image
        self._strength = float(choice.strength[0])
        self._reason = int(choice.reasons[0])
        self._frame_time = 1 / video.frame_rate
        self.identity = analysis.about
        self.video = video
        self.frames = frames
        self.scheme = analysis.scheme
        self.variable_rate = False
        self._face: FaceHere | None = None
        self._motion: IdleMotion | None = None
        row = int(choice.rows[0])
        if row >= 0 and self._strength > 0:
            at = np.array([row])
            points = analysis.landmarks(at)[0]
            self._face = FaceHere(
                track=int(analysis.rows["track"][row]),
                landmarks=points,
                box=analysis.rows["box"][row].astype(np.float64),
                strength=self._strength,
                quarter=int(analysis.rows["quarter"][row]),
            )
            if idle:
                self._motion = IdleMotion(image, points, seed, self._face.quarter)

    @property
    def duration(self) -> Fraction:
        """Seconds of the output."""
        return self.frames * self._frame_time

    def time(self, number: int) -> Fraction:
        """When output frame `number` is shown, in seconds."""
        return number * self._frame_time

    def shots(self) -> list[tuple[int, int]]:
        """One."""
        return [(0, self.frames)]

    def walk(self, start: int, stop: int) -> Iterator[TargetFrame]:
        """Output frames in order."""
        return (
            TargetFrame(number=number, picture=self._picture(self._image, number), face=self._face)
            for number in range(start, stop)
        )

    def tracks(self) -> NDArray[np.int64]:
        """`(frames,)` the same face throughout; -1 where there is none."""
        return np.full(self.frames, self._face.track if self._face else -1, np.int64)

    def representative_frames(self, track: int, limit: int) -> Iterator[TargetFrame]:
        """The picture itself: it is the only frame."""
        if self._face is not None and self._face.track == track:
            yield TargetFrame(number=0, picture=self._picture(self._image, 0), face=self._face)

    def extent(self, track: int) -> NDArray[np.float64]:
        """`(1, 4)` landmark bounding box of the upright face."""
        if self._face is None:
            return np.zeros((0, 4))
        xy = self._face.landmarks[:, :2] @ rotations(np.array(self._face.quarter)).T
        return np.concatenate([xy.min(0), xy.max(0)])[None].astype(np.float64)

    def reasons(self) -> NDArray[np.int8]:
        """`(frames,)` index into `REASONS`."""
        return np.full(self.frames, self._reason, np.int8)

    def quarters(self) -> NDArray[np.int8]:
        """`(frames,)` how the speaking face is turned."""
        return np.full(self.frames, self._face.quarter if self._face else 0, np.int8)

    @property
    def moves(self) -> bool:
        """It blinks and sways."""
        return self._motion is not None

    def finished(self, number: int, picture: Picture, emphasis: NDArray[np.float32]) -> Picture:
        """The frame as it is at its time."""
        if self._motion is None:
            return picture
        return self._picture(self._motion.at(self.time(number), emphasis, picture.rgb()), number)

    def _picture(self, image: Image, number: int) -> Picture:
        info = FrameInfo(index=number, time=self.time(number), duration=self._frame_time)
        return Picture.from_rgb(image, info, self.video)


def passthrough_spans(reasons: NDArray[np.int8]) -> list[dict[str, int | str]]:
    """Spans of output frames that pass through, for the report: first, last, why."""
    return [{"first": a, "last": b, "why": REASONS[n]} for a, b, n in _spans(reasons)]


def turned_spans(quarters: NDArray[np.int8]) -> list[dict[str, int]]:
    """Spans of output frames whose face is turned, for the report: first, last, degrees clockwise."""
    return [{"first": a, "last": b, "degrees": 90 * n} for a, b, n in _spans(quarters)]


def _spans(values: NDArray[np.int8]) -> list[tuple[int, int, int]]:
    """First and last frame and the value of each span of equal values other than 0."""
    edges = np.flatnonzero(np.diff(values)) + 1
    bounds = [0, *edges.tolist(), len(values)]
    return [
        (a, b - 1, int(values[a])) for a, b in itertools.pairwise(bounds) if b > a and values[a]
    ]
