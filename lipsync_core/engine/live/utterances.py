"""What a live session has heard and not shown yet: utterances in, one row of features a frame out."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from fractions import Fraction
from threading import Condition

import numpy as np
from numpy.typing import NDArray

from lipsync_core.records import Samples
from lipsync_core.voice.activity import SAMPLE_RATE
from lipsync_core.voice.features import RowStream

_DECAY = 0.6
"""Share of the last mouth that is left in each frame after the sound stopped: 5 frames to rest."""


class CurrentRow:
    """The row of the present frame, as the stack reads it."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.value = np.zeros(shape, np.float32)

    def at(self, times: Iterable[Fraction]) -> NDArray[np.float32]:
        """`(n, *shape)`: the present row for each time asked for."""
        return np.stack([self.value for _ in times])


class _Utterance:
    """Sound being spoken, with its rows as far as they are certain."""

    def __init__(
        self, features: RowStream, activity: RowStream | None, emphasis: RowStream | None
    ) -> None:
        self.features = features
        self.activity = activity
        self.emphasis = emphasis
        self.moves: deque[NDArray[np.float32]] = deque()
        self.rows: deque[NDArray[np.float32]] = deque()
        self.voices: deque[float] = deque()
        self.sound = np.zeros(0, np.float32)
        self.shown = 0
        self.ended = False

    def push(self, samples: Samples) -> None:
        self.sound = np.concatenate([self.sound, samples])
        voices = self.activity.push(samples) if self.activity else None
        moves = self.emphasis.push(samples) if self.emphasis else None
        self._keep(self.features.push(samples), voices, moves)

    def flush(self) -> None:
        voices = self.activity.flush() if self.activity else None
        moves = self.emphasis.flush() if self.emphasis else None
        self._keep(self.features.flush(), voices, moves)
        self.ended = True

    def _keep(
        self,
        rows: NDArray[np.float32],
        voices: NDArray[np.float32] | None,
        moves: NDArray[np.float32] | None,
    ) -> None:
        self.rows.extend(rows)
        self.voices.extend(np.ones(len(rows)).tolist() if voices is None else voices.tolist())
        self.moves.extend(np.zeros((len(rows), 2), np.float32) if moves is None else moves)

    @property
    def ready(self) -> bool:
        return bool(self.rows) and bool(self.voices) and bool(self.moves)


class Utterances:
    """Queue of utterances; thread-safe.

    Args:
        features: begins the features of an utterance.
        activity: begins its speech activity, or None to speak always.
        shape: of one row of features.
        fps: frames a second.
        rests: a row of zeros means a mouth at rest, so rows fade with speech activity.
        emphasis: begins how far head and brows go with an utterance, or None: not at all.

    Attributes:
        rows: features of the present frame.
        activity: its speech activity.
        emphasis: its nod and lift.
    """

    def __init__(
        self,
        features: Callable[[], RowStream],
        activity: Callable[[], RowStream] | None,
        shape: tuple[int, ...],
        fps: Fraction,
        *,
        rests: bool,
        emphasis: Callable[[], RowStream] | None = None,
    ) -> None:
        self._rests = rests
        self._emphasis = emphasis
        self._features = features
        self._activity = activity
        self._fps = fps
        self._utterances: deque[_Utterance] = deque()
        self._changed = Condition()
        self.rows = CurrentRow(shape)
        self.activity = CurrentRow(())
        self.emphasis = CurrentRow((2,))

    @property
    def backlog(self) -> float:
        """Seconds of sound not shown yet."""
        with self._changed:
            return sum(len(u.sound) for u in self._utterances) / SAMPLE_RATE

    def push(self, samples: Samples) -> None:
        """More sound of the present utterance; begins one after `flush`."""
        with self._changed:
            if not self._utterances or self._utterances[-1].ended:
                activity = self._activity() if self._activity else None
                emphasis = self._emphasis() if self._emphasis else None
                self._utterances.append(_Utterance(self._features(), activity, emphasis))
            self._utterances[-1].push(samples)
            self._changed.notify_all()

    def flush(self) -> None:
        """End of the utterance."""
        with self._changed:
            if self._utterances and not self._utterances[-1].ended:
                self._utterances[-1].flush()
                self._changed.notify_all()

    def interrupt(self) -> None:
        """Forget everything not shown yet."""
        with self._changed:
            self._utterances.clear()
            self._changed.notify_all()

    def take_over(self, other: Utterances) -> None:
        """Go on with the sound that `other` has not shown."""
        with other._changed:
            left = [(u.sound, u.ended) for u in other._utterances]
        for sound, ended in left:
            self.push(sound)
            if ended:
                self.flush()

    def wait(self, until: float) -> float:
        """Sleep until a moment of `time.monotonic`, or until an utterance can begin.

        Returns:
            Seconds by which it was left early.
        """
        with self._changed:
            while (left := until - time.monotonic()) > 0:
                first = self._utterances[0] if self._utterances else None
                if first is not None and first.shown == 0 and first.ready:
                    return left
                self._changed.wait(left)
        return 0.0

    def step(self, number: int) -> tuple[bool, Samples]:
        """Move on by one frame: sets `rows` and `activity`.

        Returns:
            Whether it speaks, and the `(n,)` samples of this frame.
        """
        with self._changed:
            while self._utterances and self._utterances[0].ended and not self._utterances[0].rows:
                self._utterances.popleft()
            first = self._utterances[0] if self._utterances else None
            if first is None or not first.ready:
                # Nothing to say, or the sound is late: the mouth closes softly where it was.
                calming = (self.activity, self.emphasis, *([self.rows] if self._rests else ()))
                for fading in calming:
                    fading.value = np.asarray(fading.value * _DECAY, np.float32)
                return False, np.zeros(self._samples(number), np.float32)
            row, voice = first.rows.popleft(), np.asarray(first.voices.popleft(), np.float32)
            self.rows.value = row * voice if self._rests else row
            self.activity.value = voice
            self.emphasis.value = first.moves.popleft()
            count = self._samples(first.shown)
            first.shown += 1
            heard, first.sound = first.sound[:count], first.sound[count:]
            silence = np.zeros(count - len(heard), np.float32)
            return True, np.concatenate([heard, silence])

    def _samples(self, number: int) -> int:
        """Samples of frame `number`, so that the sum over frames never drifts."""
        return int((number + 1) * SAMPLE_RATE / self._fps) - int(number * SAMPLE_RATE / self._fps)
