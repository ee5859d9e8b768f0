"""Encode pictures into one segment file that can be joined with others without encoding again.

Segments are NUT files (exact clock, no index to patch), or Matroska for what NUT cannot hold. Only the
order of the frames is used when they are joined; the exact times come from the schedule.
"""

from __future__ import annotations

from contextlib import ExitStack
from fractions import Fraction
from typing import TYPE_CHECKING, Self, cast

import av
import av.error

from lipsync_core.errors import OutputError
from lipsync_core.media.containers import media_url
from lipsync_core.media.encoders import configure, segment_container
from lipsync_core.media.fields import marked
from lipsync_core.media.output import atomic_output

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from av.container import OutputContainer
    from av.video.stream import VideoStream

    from lipsync_core.media.encoders import EncoderSettings
    from lipsync_core.media.formats import VideoFormat
    from lipsync_core.media.picture import Picture


class SegmentWriter:
    """Writes one segment; a context manager.

    The file appears under its name only when `close` succeeded; leaving the block with an error, or
    calling `abort`, leaves nothing. The first frame is a keyframe, as an encoder begins with one.

    Attributes:
        path: the segment's file.
        frames: pictures written so far.
    """

    def __init__(self, path: Path, video: VideoFormat, settings: EncoderSettings) -> None:
        """Open the encoder.

        Args:
            path: the segment's file; by custom ending in `.nut`.
            video: size, clock and colour, as `check_encoder` returned it.
            settings: the same for all segments of a run.

        Raises:
            OutputError: the encoder or the folder refuses.
        """
        self.path = path
        self.frames = 0
        form = segment_container(settings, video)
        self._video = video
        self._first = Fraction(0)
        self._last = -1
        self._stack = ExitStack()
        part = self._stack.enter_context(atomic_output(path))
        try:
            self._container: OutputContainer = self._stack.enter_context(
                av.open(media_url(part), "w", format=form, options={"fflags": "+bitexact"})
            )
            stream = self._container.add_stream(
                settings.encoder, rate=video.frame_rate.limit_denominator(1001_000)
            )
            self._stream = cast("VideoStream", stream)
            configure(self._stream.codec_context, settings, video)
            self._stream.time_base = video.time_base
        except (av.error.FFmpegError, OSError, ValueError) as error:
            failure = self._failed(error)
            self.abort()
            raise failure from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abort()

    def write(self, picture: Picture, time: Fraction, duration: Fraction) -> None:
        """Encode `picture`.

        Args:
            picture: of the writer's size.
            time: when it is shown, seconds on the output's clock, later than the one before.
            duration: how long, seconds.

        Raises:
            OutputError: encoding or writing failed.
            ValueError: the time is not after the one before.
        """
        if not self.frames:
            self._first = time
        base = self._video.time_base
        ticks = round((time - self._first) / base)
        if ticks <= self._last:
            raise ValueError(f"frame at {time} s does not come after the one before")
        frame = picture.video_frame(self._video)
        if self._video.fields is not None:
            frame = marked(frame, self._video.fields)
        frame.pts, frame.time_base = ticks, base
        frame.pict_type = 0  # else x264 repeats the source's choice of I, P and B frames
        frame.duration = round(duration / base)
        self._last = ticks
        self._encode(frame)
        self.frames += 1

    def close(self) -> None:
        """Finish the file and move it to its name.

        Raises:
            OutputError: no picture was written, or writing failed.
        """
        if not self.frames:
            self.abort()
            raise OutputError(f"The segment {self.path} has no frames.", "")
        self._encode(None)
        try:
            self._stack.close()
        except (av.error.FFmpegError, OSError) as error:
            raise self._failed(error) from error

    def abort(self) -> None:
        """Drop the segment; nothing stays on disk."""
        abandon = _Abandoned()
        try:
            self._stack.__exit__(_Abandoned, abandon, None)
        except (_Abandoned, av.error.FFmpegError, OSError):
            return  # on a full disk the container cannot be finished either; what it wrote is gone

    def _encode(self, frame: av.VideoFrame | None) -> None:
        try:
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            failure = self._failed(error)
            self.abort()
            raise failure from error

    def _failed(self, error: Exception) -> OutputError:
        reason = getattr(error, "strerror", None) or str(error)
        return OutputError(
            f"The segment {self.path} cannot be written: {reason}.",
            "Check the encoder's settings and the free space.",
        )


class _Abandoned(Exception):
    """Unwinds the open files of a segment that is dropped."""
