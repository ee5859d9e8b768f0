"""A target cut from several clips: each edit is a shot of its own, only talk clips have faces."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lipsync_core.faces.analysis import Analysis
from lipsync_core.faces.selection import REASONS, FaceChoice, Reason
from lipsync_core.media.edits import Edit
from lipsync_core.media.formats import VideoFormat
from lipsync_core.media.probe import TargetInfo
from lipsync_core.media.reader import VideoReader
from lipsync_core.media.schedule import Schedule
from lipsync_core.records import MouthRange, Scheme
from lipsync_core.targets.target import FaceHere, Target, TargetFrame
from lipsync_core.targets.video_target import VideoTarget

_PER_CLIP = 1_000_000
"""Track ids of clip number n begin at n times this: more tracks than any clip has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One clip of an edit list.

    Attributes:
        number: its place among the clips.
        info: of the file.
        analysis: its faces; None for one that is only shown.
        choice: which of them speaks.
        why: why its frames pass through where there is no choice.
    """

    number: int
    info: TargetInfo
    analysis: Analysis | None
    choice: FaceChoice | None
    why: Reason


class EditedTarget(Target):
    """Clips one after the other, on a clock of constant rate. One clip at a time is open.

    Args:
        parts: the edits with their clips.
        video: format of the pictures of all clips.
        scheme: landmark scheme of the faces.
    """

    variable_rate = False

    def __init__(
        self, parts: Sequence[tuple[Edit, Clip]], video: VideoFormat, scheme: Scheme
    ) -> None:
        self.video = video
        self.scheme = scheme
        self._clips = {clip.number: clip for _, clip in parts}
        lengths = [edit.length for edit, _ in parts]
        self._edges = [0, *itertools.accumulate(lengths)]
        self.frames = self._edges[-1]
        self._parts = [_part(edit, clip, video.frame_rate) for edit, clip in parts]
        self._numbers = [clip.number for _, clip in parts]
        self._damaged: set[int] = set()

    @property
    def damaged(self) -> set[int]:
        """Output frames whose source frame could not be decoded."""
        return self._damaged

    @property
    def duration(self) -> Fraction:
        """Seconds of the output."""
        return self.time(self.frames)

    def time(self, number: int) -> Fraction:
        """When output frame `number` is shown, in seconds."""
        return number / self.video.frame_rate

    def shots(self) -> list[tuple[int, int]]:
        """`[start, stop)` of output frames: the shots of each edit."""
        return [
            (start + a, start + b)
            for start, part in zip(self._edges, self._parts, strict=False)
            for a, b in part.shots()
        ]

    def walk(self, start: int, stop: int) -> Iterator[TargetFrame]:
        """Output frames in order; a bounded number is held."""
        for n, (first, last) in enumerate(itertools.pairwise(self._edges)):
            if first >= stop or last <= start:
                continue
            part = self._parts[n]
            with closing(part):
                for frame in part.walk(max(start, first) - first, min(stop, last) - first):
                    face = self._here(n, frame.face)
                    yield replace(frame, number=first + frame.number, face=face)
                self._damaged.update(part.damaged)

    def tracks(self) -> NDArray[np.int64]:
        """`(frames,)` the face that speaks in each output frame; -1 where the frame passes through."""
        found = []
        for n, part in enumerate(self._parts):
            tracks = part.tracks()
            tracks[tracks >= 0] += self._numbers[n] * _PER_CLIP
            found.append(tracks)
        return np.concatenate(found)

    def representative_frames(self, track: int, limit: int) -> Iterator[TargetFrame]:
        """At most `limit` frames of the whole clip that say most about a face."""
        part, own = self._of(track)
        for frame in part.representative_frames(own, limit):
            assert frame.face is not None
            yield replace(frame, face=replace(frame.face, track=track))

    def mouth_range(self, track: int) -> MouthRange | None:
        """From every frame of the whole clip."""
        part, own = self._of(track)
        return part.mouth_range(own)

    def extent(self, track: int) -> NDArray[np.float64]:
        """`(M, 4)` landmark bounding boxes of the track in its whole clip."""
        part, own = self._of(track)
        return part.extent(own)

    def reasons(self) -> NDArray[np.int8]:
        """`(frames,)` index into `REASONS`."""
        return np.concatenate([part.reasons() for part in self._parts])

    def quarters(self) -> NDArray[np.int8]:
        """`(frames,)` how the speaking face is turned."""
        return np.concatenate([part.quarters() for part in self._parts])

    def close(self) -> None:
        """Close whatever is open."""
        for part in self._parts:
            part.close()

    def _here(self, part: int, face: FaceHere | None) -> FaceHere | None:
        if face is None:
            return None
        return replace(face, track=self._numbers[part] * _PER_CLIP + face.track)

    def _of(self, track: int) -> tuple[Target, int]:
        """Any part of the clip that a track belongs to, and the track's id there."""
        clip, own = divmod(track, _PER_CLIP)
        return self._parts[self._numbers.index(clip)], own


class PlainTarget(Target):
    """A clip that is shown as it is.

    Args:
        info: of the file.
        source: `(frames,)` number of the clip's frame that each output frame shows.
        rate: frames a second.
        why: why its frames pass through.
    """

    variable_rate = False
    scheme: Scheme = "5"

    def __init__(
        self, info: TargetInfo, source: NDArray[np.int64], rate: Fraction, why: Reason
    ) -> None:
        self.video = info.video
        self.frames = len(source)
        self._info = info
        self._source = source
        self._rate = rate
        self._why = why
        self._damaged: set[int] = set()

    @property
    def damaged(self) -> set[int]:
        """Source frames that could not be decoded and were replaced by the one before."""
        return self._damaged

    @property
    def duration(self) -> Fraction:
        """Seconds of the output."""
        return self.frames / self._rate

    def time(self, number: int) -> Fraction:
        """When output frame `number` is shown, in seconds."""
        return number / self._rate

    def shots(self) -> list[tuple[int, int]]:
        """One."""
        return [(0, self.frames)]

    def walk(self, start: int, stop: int) -> Iterator[TargetFrame]:
        """Output frames in order, none with a face."""
        with VideoReader(self._info) as reader:
            pictures = reader.frames_at(self._source[start:stop].tolist())
            for number, picture in enumerate(pictures, start):
                yield TargetFrame(number=number, picture=picture, face=None)
            self._damaged |= reader.damaged

    def tracks(self) -> NDArray[np.int64]:
        """Nobody speaks."""
        return np.full(self.frames, -1, np.int64)

    def representative_frames(self, track: int, limit: int) -> Iterator[TargetFrame]:
        """There is no face."""
        yield from ()

    def extent(self, track: int) -> NDArray[np.float64]:
        """There is no face."""
        return np.zeros((0, 4))

    def reasons(self) -> NDArray[np.int8]:
        """`(frames,)` index into `REASONS`."""
        return np.full(self.frames, REASONS.index(self._why), np.int8)

    def quarters(self) -> NDArray[np.int8]:
        """There is no face."""
        return np.zeros(self.frames, np.int8)


def _part(edit: Edit, clip: Clip, rate: Fraction) -> Target:
    source = np.arange(edit.first, edit.first + edit.frames)
    source = np.concatenate([source, np.full(edit.hold, source[-1])])
    if clip.analysis is None or clip.choice is None:
        return PlainTarget(clip.info, source, rate, clip.why)
    ticks = np.arange(len(source) + 1)
    schedule = Schedule(order=source, starts=ticks, count=len(source), time_base=1 / rate)
    return VideoTarget(clip.info, schedule, clip.analysis, clip.choice)
