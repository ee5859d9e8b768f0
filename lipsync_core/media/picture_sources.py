"""Targets whose frames are pictures that can each be read by itself: a still, a folder, an animated WebP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av

from lipsync_core.media import webp
from lipsync_core.media.folder import read_one
from lipsync_core.media.picture import Picture
from lipsync_core.media.still import read_still

if TYPE_CHECKING:
    from lipsync_core.media.probe import TargetInfo
    from lipsync_core.records import Image


class StillSource:
    """A still picture as a source of one frame.

    Attributes:
        place: index of the frame given last.
    """

    def __init__(self, target: TargetInfo) -> None:
        self._picture = Picture.from_rgb(
            read_still(target.path), target.index.info(0), target.video
        )
        self.place = 0

    def picture(self, index: int) -> Picture:
        """Return the picture."""
        return self._picture

    def close(self) -> None:
        """Do nothing: nothing is open."""


class FolderSource:
    """A folder of pictures, of which one at a time is held.

    Attributes:
        place: index of the frame given last; -1 before the first.
    """

    def __init__(self, target: TargetInfo) -> None:
        self._target = target
        self._now: Picture | None = None
        self.place = -1

    def picture(self, index: int) -> Picture:
        """Return frame `index`.

        Raises:
            UnsupportedInput: it is damaged or of another size; unlike a damaged frame of a video it can be
                repaired, so nothing replaces it.
        """
        if self._now is None or index != self.place:
            target = self._target
            image = read_one(target.pictures[index], target.video)
            self._now = Picture.from_rgb(image, target.index.info(index), target.video)
            self.place = index
        return self._now

    def close(self) -> None:
        """Forget the picture."""
        self._now, self.place = None, -1


class AnimationSource:
    """An animated WebP, of which a block of frames is held.

    Attributes:
        place: index of the frame given last; -1 before the first.
    """

    def __init__(self, target: TargetInfo) -> None:
        self._target = target
        self._first = 0
        self._block: list[Image] = []
        self.place = -1

    def picture(self, index: int) -> Picture:
        """Return frame `index`.

        Raises:
            UnsupportedInput: it cannot be decoded.
        """
        target = self._target
        if not self._first <= index < self._first + len(self._block):
            self._first = index - index % webp.BLOCK
            self._block = webp.frames(target.path, self._first)
        held = self._block[min(index - self._first, len(self._block) - 1)]
        self.place = index
        frame = av.VideoFrame.from_ndarray(held, "rgba")
        return Picture.from_frame(frame, target.index.info(index), target.video)

    def close(self) -> None:
        """Forget the frames."""
        self._block, self.place = [], -1
