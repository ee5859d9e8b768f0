"""The audio encoder `whisper-both`: the features of each frame as MuseTalk uses them, and as LatentSync does.

The two were trained with other paddings, edges and norms of the same network, so neither's rows do for the
other. Whisper is loaded once and encodes the sound twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.contracts import AudioEncoder, FeatureStream, Unavailable
from lipsync_core.errors import PluginFault, PluginUnavailable
from lipsync_core.networks.quiet import wait_quietly
from lipsync_latentsync.hybrid_files import whisper
from lipsync_latentsync.hybrid_spec import ROWS, WHISPER_BOTH

if TYPE_CHECKING:
    from fractions import Fraction

    from lipsync_musetalk.whisper_runtime import WhisperRuntime
    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext
    from lipsync_core.records import Samples


class BothWindows(AudioEncoder):
    """See the module."""

    def __init__(self) -> None:
        self._runtime: WhisperRuntime | None = None

    def open(self, context: OpenContext) -> None:
        """Load the network.

        Raises:
            PluginUnavailable: the file or the device is missing, or the file is damaged.
        """
        found = whisper()
        if isinstance(found, Unavailable):
            raise PluginUnavailable(f"Whisper cannot run: {found.reason}.", found.hint)
        wait_quietly()
        from lipsync_musetalk.whisper_runtime import WhisperRuntime

        self._runtime = WhisperRuntime(found, context.device, context.threads)

    def stream(self, sample_rate: int, fps: Fraction) -> FeatureStream:
        """Begin a voice at 16 kHz.

        Raises:
            PluginFault: another sample rate, or it is not open.
        """
        runtime = self.opened(self._runtime, WHISPER_BOTH.name)
        if sample_rate != WHISPER_BOTH.sample_rate:
            raise PluginFault(
                f"The audio encoder {WHISPER_BOTH.name} was handed sound at {sample_rate} Hz.",
                f"Hand it {WHISPER_BOTH.sample_rate} Hz, as its spec declares.",
            )
        return BothStream(runtime, fps)

    def close(self) -> None:
        """Release the network."""
        if self._runtime is not None:
            self._runtime.close()
        self._runtime = None


class BothStream(FeatureStream):
    """One voice; a row goes out when both have it."""

    def __init__(self, runtime: WhisperRuntime, fps: Fraction) -> None:
        from lipsync_musetalk.encoder import LATENTSYNC, MUSETALK, WindowStream
        from lipsync_musetalk.whisper_rows import OVERLAPPING

        forms = (MUSETALK, LATENTSYNC)
        self._streams = [WindowStream(runtime, form, OVERLAPPING, fps) for form in forms]
        self._waiting = [np.zeros((0, *ROWS[1:]), np.float32) for _ in forms]

    def push(self, samples: Samples) -> NDArray[np.float32]:
        """More sound in; `(n, 2, 50, 384)` final rows out."""
        return self._paired([stream.push(samples) for stream in self._streams])

    def flush(self) -> NDArray[np.float32]:
        """The remaining rows: ceil(duration * fps) in all."""
        return self._paired([stream.flush() for stream in self._streams])

    def _paired(self, more: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        both = [np.concatenate(pair) for pair in zip(self._waiting, more, strict=True)]
        ready = min(map(len, both))
        self._waiting = [rows[ready:] for rows in both]
        return np.stack([rows[:ready] for rows in both], axis=1)
