"""Read the pictures of a target by index, exactly, forwards or in any order, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Self

import av.error
import numpy as np

from lipsync_core.errors import UnsupportedInput
from lipsync_core.media.clock import InputClock
from lipsync_core.media.conform import conformed_frame
from lipsync_core.media.containers import DAMAGED_HINT, open_input, packets_of, video_stream
from lipsync_core.media.fields import deinterlaced
from lipsync_core.media.picture import Picture
from lipsync_core.media.picture_sources import AnimationSource, FolderSource, StillSource
from lipsync_core.media.probe import ANIMATED_WEBP, TargetInfo, probe_target
from lipsync_core.media.video_decoder import decoder_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from lipsync_core.media.conform import Conformed

BUFFER_BYTES = 192 * 1024 * 1024
"""Decoded frames kept for reading backwards: 138 frames of 720p, 15 of 2160p."""


class VideoReader:
    """Pictures of one target; a context manager.

    The decoder stays where it is between calls, so reading one range after another decodes nothing
    twice. A frame that cannot be decoded repeats the one before it (the first good one at the
    start) and its index is noted in `damaged`: the number of frames never changes.

    Attributes:
        target: what is read.
        damaged: indices of the frames that had to be replaced so far.
    """

    def __init__(self, target: TargetInfo | Path | str, buffer_bytes: int = BUFFER_BYTES) -> None:
        """Open `target`; a path is probed first.

        Raises:
            UnsupportedInput: the file cannot be read.
        """
        self.target = target if isinstance(target, TargetInfo) else probe_target(Path(target))
        self.damaged: set[int] = set()
        self._source: StillSource | FolderSource | AnimationSource | _Decoder | _Conforming
        if self.target.conformed is not None:
            self._source = _Conforming(
                self.target, self.target.conformed, self.damaged, buffer_bytes
            )
        elif self.target.kind == "picture":
            self._source = StillSource(self.target)
        elif self.target.codec == ANIMATED_WEBP:
            self._source = AnimationSource(self.target)
        elif self.target.pictures:
            self._source = FolderSource(self.target)
        else:
            self._source = _Decoder(self.target, self.damaged)
        self._kept = _Kept(buffer_bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and forget the buffered frames; may be called twice."""
        self._kept.clear()
        self._source.close()

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Picture]:
        """Yield the pictures `start` to `stop` (exclusive; None: to the end), in order."""
        end = len(self.target.index) if stop is None else stop
        return self.frames_at(range(start, end))

    def frames_at(self, indices: Iterable[int]) -> Iterator[Picture]:
        """Yield the pictures at `indices`, in that order, repeats and reversals included.

        Runs upwards decode on. On a run downwards the frames between a keyframe and the wanted one
        are kept (undecoded to RGB, at most `buffer_bytes`), so each is decoded about once.

        Raises:
            IndexError: there is no such frame.
        """
        before = -1
        for index in indices:
            yield self._picture(index, down=index < before)
            before = index

    def _picture(self, index: int, *, down: bool) -> Picture:
        info = self.target.index.info(index)
        kept = self._kept.get(index)
        if kept is not None:
            return kept
        if not down or index == self._source.place:
            return self._source.picture(index).at(info)
        self._kept.clear()
        first = self.target.index.keyframe_before(index)
        for place in range(first, index + 1):
            picture = self._source.picture(place)
            self._kept.put(place, picture)
        return picture.at(info)


class _Kept:
    """The newest pictures by index, at most `limit` bytes of them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = 0
        self._pictures: OrderedDict[int, Picture] = OrderedDict()

    def get(self, index: int) -> Picture | None:
        found = self._pictures.get(index)
        return found.at(found.info) if found else None

    def put(self, index: int, picture: Picture) -> None:
        self._pictures[index] = picture
        self._bytes += picture.nbytes
        while self._bytes > self._limit and len(self._pictures) > 1:
            self._bytes -= self._pictures.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        self._pictures.clear()
        self._bytes = 0


class _Conforming:
    """A video that is shown in another form: its pictures scaled, the nearest one for each frame.

    Attributes:
        place: index of the frame given last; -1 before the first.
    """

    def __init__(
        self, target: TargetInfo, how: Conformed, damaged: set[int], buffer_bytes: int
    ) -> None:
        self._target = target
        self._damaged = damaged
        self._how = how
        self._reader = VideoReader(how.original, buffer_bytes)
        self.place = -1

    def picture(self, index: int) -> Picture:
        """Return frame `index`; a frame that cannot be decoded is replaced as in the original."""
        source = int(self._how.sources[index])
        (picture,) = self._reader.frames_at([source])
        original, wanted = self._how.original.video, self._target.video
        if source in self._reader.damaged:
            self._damaged.add(index)
        frame = conformed_frame(picture.video_frame(), original, wanted, self._how.filling)
        self.place = index
        return Picture(self._target.index.info(index), wanted, frame=frame)

    def close(self) -> None:
        self._reader.close()


class _Decoder:
    """A decoder that knows which frame it stands at.

    Attributes:
        place: index of the frame given last; -1 before the first.
    """

    def __init__(self, target: TargetInfo, damaged: set[int]) -> None:
        self._target = target
        self._index = target.index
        self._damaged = damaged
        self._container: InputContainer | None = None
        self._flow: Iterator[tuple[int, av.VideoFrame]] = iter(())
        self._now: tuple[int, av.VideoFrame] | None = None
        self._next: tuple[int, av.VideoFrame] | None = None
        self._ended = False
        self.place = -1
        self._open()

    def close(self) -> None:
        self._now = self._next = None
        self._flow = iter(())
        if self._container is not None:
            self._container.close()
            self._container = None

    def picture(self, index: int) -> Picture:
        """Return frame `index`, by decoding on or by starting at the keyframe before it."""
        if not self._reachable(index):
            self._start_before(index)
        while not self._ended and (self._now is None or self._now[0] < index):
            step = self._next or next(self._flow, None)
            self._next = None
            if step is None:
                self._ended = True
            elif step[0] > index and self._now is not None:
                self._next = step
                break
            else:
                self._now = step
        if self._now is None:
            raise UnsupportedInput(
                f"No frame of the target {self._target.path} can be decoded.", DAMAGED_HINT
            )
        if self._now[0] != index:
            self._damaged.add(index)
        self.place = index
        return Picture.from_frame(self._now[1], self._index.info(index), self._target.video)

    def _reachable(self, index: int) -> bool:
        """Whether decoding on is right: `index` is not behind, and no keyframe lies between."""
        if self._container is None or self.place < 0:
            return False
        if index == self.place:
            return True
        if index < self.place:
            return False
        return self._index.keyframe_before(index) <= self.place + 1 or self._index.counted

    def _start_before(self, index: int) -> None:
        first = max(0, index - 1) if self._target.deinterlace else index  # see `deinterlaced`
        key = 0 if self._index.counted else self._index.keyframe_before(first)
        for seek in (True, False) if key else (False,):
            self._open()
            assert self._container is not None
            stream = video_stream(self._container, self._target.path, self._target.track)
            if seek and not self._sought(self._container, stream, key):
                continue
            self._flow = self._decode(self._container, stream)
            if self._target.deinterlace:
                self._flow = deinterlaced(self._flow)
            self._next = next(self._flow, None)
            if not seek or (self._next is not None and self._next[0] <= first):
                return

    def _sought(self, container: InputContainer, stream: VideoStream, key: int) -> bool:
        """Go to a keyframe: by its time, or by its place where the file's clock starts again."""
        try:
            if not self._index.jumps:
                container.seek(int(self._index.stamps[key]), stream=stream)
                return True
            place = int(self._index.places[np.searchsorted(self._index.keyframes, key)])
            container.seek(max(0, place), unsupported_byte_offset=True)
        except av.error.FFmpegError:
            return False
        return place >= 0

    def _open(self) -> None:
        self.close()
        self._container = open_input(self._target.path, "target")
        self._ended = False
        self.place = -1

    def _decode(
        self, container: InputContainer, stream: VideoStream
    ) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield `(index, frame)`; what cannot be decoded or placed is passed over."""
        stream.thread_type = "AUTO"
        decode = decoder_of(stream)
        counted, stamps = self._index.counted, self._index.stamps
        count = 0
        for packet in packets_of(container, stream, InputClock(self._index.jumps)):
            try:
                frames = decode(packet)
            except av.error.FFmpegError:
                continue
            for frame in frames:
                if counted:
                    place, count = count, count + 1
                elif frame.pts is None:
                    continue
                else:
                    place = int(np.searchsorted(stamps, frame.pts))
                if place < len(stamps) and (counted or stamps[place] == frame.pts):
                    yield place, frame
