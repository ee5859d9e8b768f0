"""The audio encoder of SyncTalk_2D: 16 rows of the AVE network around each frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lipsync_core.builtin.mel import SAMPLE_RATE
from lipsync_core.contracts import AudioEncoder
from lipsync_core.errors import PluginFault, PluginUnavailable
from lipsync_core.networks.quiet import wait_quietly
from lipsync_core.weights.remedy import remedy
from lipsync_synctalk2d.frame_rows import FrameRows
from lipsync_synctalk2d.spec import AVE_FILE, ENCODER

if TYPE_CHECKING:
    from fractions import Fraction

    from lipsync_core.contracts import FeatureStream, OpenContext
    from lipsync_synctalk2d.audio_runtime import AveRuntime


class AveWindows(AudioEncoder):
    """See the module."""

    def __init__(self) -> None:
        self._runtime: AveRuntime | None = None

    def open(self, context: OpenContext) -> None:
        """Load the network.

        Raises:
            PluginUnavailable: the file or the device is missing, or the file is damaged.
            OutOfMemory: it does not fit.
        """
        checkpoint = context.weights.get(AVE_FILE)
        if checkpoint is None:
            raise PluginUnavailable(
                f"SyncTalk_2D cannot run: its weights are not here: {AVE_FILE}.",
                f"{remedy(ENCODER.name, ENCODER.weights)}.",
            )
        wait_quietly()
        from lipsync_synctalk2d.audio_runtime import AveRuntime

        self._runtime = AveRuntime(checkpoint, context.device, context.threads)

    def stream(self, sample_rate: int, fps: Fraction) -> FeatureStream:
        """Begin a voice at 16 kHz.

        Raises:
            PluginFault: another sample rate, or it is not open.
        """
        if self._runtime is None:
            raise PluginFault("The audio encoder synctalk2d was used before it was opened.")
        if sample_rate != SAMPLE_RATE:
            raise PluginFault(
                f"The audio encoder synctalk2d was handed sound at {sample_rate} Hz.",
                f"Hand it {SAMPLE_RATE} Hz, as its spec declares.",
            )
        return FrameRows(self._runtime.encode, fps)

    def close(self) -> None:
        """Let go of the network."""
        if self._runtime is not None:
            self._runtime.close()
        self._runtime = None
