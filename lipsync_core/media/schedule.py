"""Which frame of the target each output frame shows, and when: arithmetic only, no files."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.records import FrameInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.media.index import VideoIndex
    from lipsync_core.requests import Fit


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Schedule:
    """A finite run over the target's frames; every query takes constant time.

    Output frames 0..len-1 walk through `order`, then again from its start (or, if `held` is set,
    stay on its last entry).

    Attributes:
        order: `(P,)` int64, target frames of one round.
        starts: `(P + 1,)` int64, when each begins within the round, in ticks; the last entry is the
            length of the round.
        count: number of output frames.
        time_base: seconds per tick.
        held: ticks that each frame after the first round lasts, all showing the last frame; 0 to
            repeat.
    """

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    count: int
    time_base: Fraction
    held: int = 0

    def __len__(self) -> int:
        return self.count

    def source(self, index: int) -> int:
        """Return the target frame that output frame `index` shows."""
        place = self._checked(index)
        if self.held and place >= len(self.order):
            return int(self.order[-1])
        return int(self.order[place % len(self.order)])

    def ticks(self, index: int) -> int:
        """Return when output frame `index` begins, in ticks; the length itself gives the end."""
        if not 0 <= index <= self.count:
            raise IndexError(f"output frame {index} of {self.count}")
        size, length = len(self.order), int(self.starts[-1])
        if self.held and index > size:
            return length + (index - size) * self.held
        if self.held and index == size:
            return length
        return index // size * length + int(self.starts[index % size])

    def time(self, index: int) -> Fraction:
        """Return when output frame `index` begins, in seconds."""
        return self.ticks(index) * self.time_base

    def info(self, index: int) -> FrameInfo:
        """Return output index, time and duration of output frame `index`."""
        start = self.ticks(self._checked(index))
        stop = self.ticks(index + 1)
        base = self.time_base
        return FrameInfo(index=index, time=start * base, duration=(stop - start) * base)

    @property
    def duration(self) -> Fraction:
        """Seconds from the first output frame to the end of the last."""
        return self.ticks(self.count) * self.time_base

    def frame_at(self, time: Fraction) -> int:
        """Return the output frame that is shown at `time` seconds, kept inside the schedule."""
        wanted = int(max(Fraction(0), time) / self.time_base)
        return min(_frames_begun(self, wanted) - 1, self.count - 1)

    def _checked(self, index: int) -> int:
        if not 0 <= index < self.count:
            raise IndexError(f"output frame {index} of {self.count}")
        return index


def make_schedule(
    index: VideoIndex, fit: Fit = "bounce", sound_duration: Fraction | None = None
) -> Schedule:
    """Lay the target's frames under a sound.

    A sound that is not longer than the target, or none, shows every frame once. A longer one
    repeats the target until the first frame that ends at or after the sound's end:

    - bounce: 0 .. N-1, N-2 .. 1, 0 .. (end frames are not doubled)
    - loop: 0 .. N-1, 0 .. N-1
    - hold: 0 .. N-1, N-1, N-1, at the average frame rate
    - cut: 0 .. N-1; the sound is cut. A single frame has nothing to cut and is held.

    Variable rates are replayed: each frame lasts as long as it does in the target.

    Args:
        index: the target's frames; `constant_index(1, rate)` for a still picture.
        fit: what to do where the sound is longer.
        sound_duration: exact length of the sound in seconds, None for no sound.
    """
    size = len(index)
    ticks = np.append(index.ticks, index.end)
    once = Schedule(order=np.arange(size), starts=ticks, count=size, time_base=index.time_base)
    slack = 1 / index.frame_rate / 2 if size > 1 else 0
    if sound_duration is None or sound_duration <= index.duration + slack:
        return once
    if fit == "cut" and size > 1:
        return once
    order, held = np.arange(size), 0
    if size == 1 or fit == "hold":
        step = round(1 / index.frame_rate / index.time_base)
        held = max(1, step)
    elif fit == "bounce" and size > 2:
        order = np.concatenate([order, np.arange(size - 2, 0, -1)])
    starts = np.concatenate([[0], np.cumsum(np.diff(ticks)[order])])
    endless = Schedule(
        order=order, starts=starts, count=1 << 62, time_base=index.time_base, held=held
    )
    end = -int(-sound_duration // index.time_base)  # the tick at or after the sound's end
    return Schedule(
        order=order,
        starts=starts,
        count=_frames_begun(endless, end - 1),
        time_base=index.time_base,
        held=held,
    )


def _frames_begun(schedule: Schedule, tick: int) -> int:
    """Return how many frames begin at or before `tick`."""
    size, length = len(schedule.order), int(schedule.starts[-1])
    rounds, rest = divmod(tick, length)
    if schedule.held and tick >= length:
        return size + (tick - length) // schedule.held + 1
    return rounds * size + int(np.searchsorted(schedule.starts[:-1], rest, side="right"))
