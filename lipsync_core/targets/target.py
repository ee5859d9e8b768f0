"""The moving target of a run: output frames with their pictures and faces, whatever they come from."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lipsync_core.faces.selection import REASONS
from lipsync_core.media.formats import VideoFormat
from lipsync_core.media.picture import Picture
from lipsync_core.records import MouthRange, Points, Scheme


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
