"""The audio encoders `whisper` and `whisper-latentsync`: five layers of Whisper tiny around each frame.

MuseTalk and LatentSync listen through the same network, each in its own way: what silence is filled up with,
whether the last layer is normed, and what stands before the beginning and after the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lipsync_core.contracts import AudioEncoder, FeatureStream, Unavailable
from lipsync_core.errors import PluginFault, PluginUnavailable
from lipsync_core.networks.quiet import wait_quietly
from lipsync_musetalk import whisper_mel
from lipsync_musetalk.frame_windows import FrameWindows
from lipsync_musetalk.whisper_choice import choose
from lipsync_musetalk.whisper_rows import LIVE, OVERLAPPING, ROW, SEGMENTS, RowStream

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext
    from lipsync_core.records import Samples
    from lipsync_musetalk.frame_windows import Outside
    from lipsync_musetalk.whisper_mel import Mel
    from lipsync_musetalk.whisper_rows import Plan, Rows
    from lipsync_musetalk.whisper_runtime import WhisperRuntime

_LEAST = 2 * ROW
"""Samples that are enough for a row; LatentSync has no window without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How one of the two projects computes its features.

    Attributes:
        name: of the encoder.
        mel: at most 30 s of sound -> `(80, 3000)`.
        normed: whether the last layer is normed.
        outside: what stands for rows before the beginning and after the end.
        whole: in compat mode one mel is made of the whole sound, with one floor, and then cut.
    """

    name: str
    mel: Callable[[Samples], Mel]
    normed: bool
    outside: Outside
    whole: bool


MUSETALK = Form(
    name="whisper", mel=whisper_mel.padded_before, normed=True, outside="zeros", whole=False
)
LATENTSYNC = Form(
    name="whisper-latentsync",
    mel=whisper_mel.padded_after,
    normed=False,
    outside="edge",
    whole=True,
)


class WhisperWindows(AudioEncoder):
    """Whisper features for MuseTalk; see the module."""

    form: ClassVar[Form] = MUSETALK

    def __init__(self) -> None:
        self._runtime: WhisperRuntime | None = None
        self._plan, self._compat = OVERLAPPING, False

    def open(self, context: OpenContext) -> None:
        """Load the network.

        Raises:
            PluginUnavailable: the file or the device is missing, or the file is damaged.
        """
        chosen = choose(context, self.form.name)
        if isinstance(chosen, Unavailable):
            raise PluginUnavailable(f"Whisper cannot run: {chosen.reason}.", chosen.hint)
        wait_quietly()
        from lipsync_musetalk.whisper_runtime import WhisperRuntime

        self._runtime = WhisperRuntime(chosen, context.device, context.threads)
        self._compat = bool(context.options.get("compat", False))
        live = bool(context.options.get("live", False))
        self._plan = SEGMENTS if self._compat else LIVE if live else OVERLAPPING

    def stream(self, sample_rate: int, fps: Fraction) -> FeatureStream:
        """Begin a voice at 16 kHz.

        Raises:
            PluginFault: another sample rate, or it is not open.
        """
        runtime = self.opened(self._runtime, self.form.name)
        if sample_rate != whisper_mel.SAMPLE_RATE:
            raise PluginFault(
                f"The audio encoder {self.form.name} was handed sound at {sample_rate} Hz.",
                f"Hand it {whisper_mel.SAMPLE_RATE} Hz, as its spec declares.",
            )
        if self._compat and self.form.whole:
            return WholeStream(runtime, self.form, fps)
        return WindowStream(runtime, self.form, self._plan, fps)

    def close(self) -> None:
        """Release the network."""
        if self._runtime is not None:
            self._runtime.close()
        self._runtime = None


class LatentSyncWindows(WhisperWindows):
    """Whisper features for LatentSync; see the module."""

    form: ClassVar[Form] = LATENTSYNC


class WindowStream(FeatureStream):
    """One voice; holds at most what the plan's windows reach."""

    def __init__(self, runtime: WhisperRuntime, form: Form, plan: Plan, fps: Fraction) -> None:
        self._runtime, self._form, self._fps = runtime, form, fps
        self._rows = RowStream(self._hear, plan)
        self._windows = FrameWindows(fps, form.outside)
        self._samples = 0

    def push(self, samples: Samples) -> NDArray[np.float32]:
        """More sound in; `(n, 50, 384)` final rows out. NaN and infinity count as silence."""
        self._samples += len(samples)
        clean = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
        return self._windows.push(self._rows.push(clean))

    def flush(self) -> NDArray[np.float32]:
        """The remaining rows: ceil(duration * fps) in all."""
        short = _LEAST - self._samples if 0 < self._samples < _LEAST else 0
        more = self._rows.push(np.zeros(short, np.float32))
        before = self._windows.push(np.concatenate([more, self._rows.flush()]))
        rest = self._windows.flush(_due(self._samples, self._fps))
        return np.concatenate([before, rest])[: _due(self._samples, self._fps)]

    def _hear(self, sound: Samples) -> Rows:
        """`(n,)` samples, at most 30 s and some that make no row -> `(n // 320, 5, 384)`."""
        mel = self._form.mel(sound)
        return self._runtime.layers(mel[None], self._form.normed)[0, : len(sound) // ROW]


class WholeStream(FeatureStream):
    """One voice with a single mel spectrogram, as in LatentSync: the sound is kept until its end."""

    def __init__(self, runtime: WhisperRuntime, form: Form, fps: Fraction) -> None:
        self._runtime, self._form, self._fps = runtime, form, fps
        self._heard: list[Samples] = []

    def push(self, samples: Samples) -> NDArray[np.float32]:
        """More sound in; nothing is final before the loudest moment is known."""
        self._heard.append(np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0))
        return np.zeros((0, 50, 384), np.float32)

    def flush(self) -> NDArray[np.float32]:
        """All rows: ceil(duration * fps)."""
        sound = np.concatenate([np.zeros(0, np.float32), *self._heard])
        frames = _due(len(sound), self._fps)
        self._heard = []
        if not frames:
            return np.zeros((0, 50, 384), np.float32)
        filled = np.pad(sound, (0, max(0, _LEAST - len(sound))))
        windows = FrameWindows(self._fps, self._form.outside)
        found = windows.push(whole_rows(self._runtime, filled, self._form.normed))
        return np.concatenate([found, windows.flush(frames)])[:frames]


def whole_rows(runtime: WhisperRuntime, sound: Samples, normed: bool) -> Rows:
    """`(n // 320, 5, 384)` of a sound of any length from one mel, in hard segments of 30 s."""
    mel = whisper_mel.log_mel(sound)
    found = []
    for at in range(0, mel.shape[1], whisper_mel.COLUMNS):
        part = mel[:, at : at + whisper_mel.COLUMNS]
        layers = runtime.layers(whisper_mel.filled_up(part)[None], normed)[0]
        found.append(layers[: part.shape[1] // 2])
    return np.concatenate(found)


def _due(samples: int, fps: Fraction) -> int:
    return -(-samples * fps.numerator // (whisper_mel.SAMPLE_RATE * fps.denominator))
