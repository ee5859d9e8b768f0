"""Sound in, rows of Whisper's layers out, 50 a second, streaming: its segments of 30 s leave no seams.

A plan says which span of the sound is encoded when, and from which row on its result is used. Around
that row both spans are mixed, so that what the network knows from its context passes over smoothly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.records import Samples

    Rows = NDArray[np.float32]
    """`(n, 5, 384)`."""

ROW = 320
"""Samples of a row: 20 ms."""
SEGMENT = 1500
"""Rows that the network gives at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One span that is encoded, in rows from the beginning of the sound.

    Attributes:
        start: its first row.
        end: the row after its last; the sound may end before.
        border: from here on it is believed rather than the span before.
    """

    start: int
    end: int
    border: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which spans are encoded.

    Attributes:
        window: number of the span -> the span; borders rise, and each lies within the span before.
        fade: rows around a border in which both spans are mixed.
        lookahead: seconds of sound after a row's time that it depends on at the most.
    """

    window: Callable[[int], Window]
    fade: int
    lookahead: float


def _overlapping(number: int) -> Window:
    start = number * SEGMENT // 2
    return Window(start=start, end=start + SEGMENT, border=start + SEGMENT // 4)


OVERLAPPING = Plan(window=_overlapping, fade=50, lookahead=30.0)
"""30 s every 15 s, each believed in its middle half: no row has less than 7 s of context on either side."""

_STEP, _LATER, _PAST, _LIVE_FADE = 25, 50, 500, 24
"""Live, in rows: step between windows, look-ahead, and least context before a row."""


def _growing(number: int) -> Window:
    border = number * _STEP
    start = max(0, border - _PAST) // (SEGMENT // 2) * (SEGMENT // 2)
    return Window(start=start, end=border + _STEP + _LIVE_FADE // 2 + _LATER, border=border)


LIVE = Plan(
    window=_growing, fade=_LIVE_FADE, lookahead=(_STEP + _LIVE_FADE + _LATER) * ROW / 16_000
)
"""Every half second, with one second of what follows and 10 to 25 seconds of what was before. The beginning
moves every 15 s only, because the network numbers its rows from there."""


def _hard(number: int) -> Window:
    return Window(start=number * SEGMENT, end=(number + 1) * SEGMENT, border=number * SEGMENT)


SEGMENTS = Plan(window=_hard, fade=0, lookahead=30.0)
"""As both originals: 30 s after 30 s, none knowing of the other."""


class RowStream:
    """One voice. Rows do not depend on the sizes of the pushes.

    Args:
        hear: what the network makes of at most 30 s of sound: `(n,)` samples -> `(n // 320, 5, 384)`.
        plan: which spans are encoded when.
    """

    def __init__(self, hear: Callable[[Samples], Rows], plan: Plan) -> None:
        self._hear, self._plan = hear, plan
        self._sound = np.zeros(0, np.float32)
        self._first = 0  # sample that self._sound begins with
        self._window = 0  # number of the next window
        self._held: Rows | None = (
            None  # rows from the next border on, as the window before gives them
        )

    def push(self, samples: Samples) -> Rows:
        """More sound; the rows that are now final."""
        self._sound = np.concatenate([self._sound, np.asarray(samples, np.float32)])
        given = []
        while self._rows >= self._plan.window(self._window).end:
            given.append(self._listen(last=False))
        return _joined(given)

    def flush(self) -> Rows:
        """The rest: `total // 320` rows in all."""
        unheard = self._window == 0 or self._rows > self._plan.window(self._window - 1).end
        if unheard and self._rows:
            return self._listen(last=True)
        held, self._held = self._held, None
        return _joined([held] if held is not None else [])

    @property
    def _rows(self) -> int:
        """Whole rows of sound that have come."""
        return (self._first + len(self._sound)) // ROW

    def _listen(self, last: bool) -> Rows:
        """Encode the next window; `last`: the rest of the sound, whatever its length, with all its rows."""
        window, next_ = (self._plan.window(self._window + k) for k in (0, 1))
        begin = window.start * ROW - self._first
        sound = self._sound[begin:] if last else self._sound[begin : window.end * ROW - self._first]
        rows = self._hear(sound)
        start = window.start
        if self._held is not None:
            start = window.border - self._plan.fade // 2
            rows = _mixed(self._held, rows[start - window.start :], self._plan.fade)
        self._window += 1
        if last:
            self._held = None
            return rows
        certain = next_.border - self._plan.fade // 2 - start
        self._held = rows[certain:]
        drop = next_.start * ROW - self._first
        self._sound, self._first = self._sound[drop:].copy(), self._first + drop
        return rows[:certain]


def _mixed(before: Rows, after: Rows, fade: int) -> Rows:
    """`after`, whose first `fade` rows come over from `before`."""
    count = min(fade, len(before), len(after))
    share = ((np.arange(count, dtype=np.float32) + 0.5) / max(fade, 1))[:, None, None]
    made = after.copy()
    made[:count] = before[:count] + (after[:count] - before[:count]) * share
    return made


def _joined(parts: list[Rows]) -> Rows:
    return np.concatenate([np.zeros((0, 5, 384), np.float32), *parts])
