"""A still picture as the target of a run: the same frame for as long as the audio lasts, and life in it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lipsync_core.faces.analysis import Analysis
from lipsync_core.faces.idle import IdleMotion
from lipsync_core.faces.selection import FaceChoice
from lipsync_core.faces.turns import rotations
from lipsync_core.media.formats import VideoFormat
from lipsync_core.media.picture import Picture
from lipsync_core.records import FrameInfo, Image
from lipsync_core.targets.target import FaceHere, Target, TargetFrame


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
