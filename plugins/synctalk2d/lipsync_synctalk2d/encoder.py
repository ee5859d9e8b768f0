"""The audio encoder of SyncTalk_2D: 16 rows of the AVE network around each frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lipsync_core.contracts import AudioEncoder
from lipsync_core.errors import PluginFault, PluginUnavailable
from lipsync_core.networks.quiet import wait_quietly
from lipsync_core.networks.runtime import RuntimeChoice
from lipsync_core.voice.mel import SAMPLE_RATE
from lipsync_synctalk2d.ave_choice import choose_ave
from lipsync_synctalk2d.frame_rows import FrameRows
from lipsync_synctalk2d.spec import ENCODER

if TYPE_CHECKING:
    from fractions import Fraction

    from lipsync_core.contracts import FeatureStream, OpenContext
    from lipsync_synctalk2d.runtime import AudioRuntime


class AveWindows(AudioEncoder):
    """See the module."""

    def __init__(self) -> None:
        self._runtime: AudioRuntime | None = None

    def open(self, context: OpenContext) -> None:
        """Load the network.

        Raises:
            PluginUnavailable: the file or the device is missing, or the file is damaged.
            OutOfMemory: it does not fit.
        """
        chosen = choose_ave(context)
        if not isinstance(chosen, RuntimeChoice):
            raise PluginUnavailable(f"SyncTalk_2D cannot run: {chosen.reason}.", f"{chosen.hint}.")
        self._runtime = _opened(chosen, context)

    def stream(self, sample_rate: int, fps: Fraction) -> FeatureStream:
        """Begin a voice at 16 kHz.

        Raises:
            PluginFault: another sample rate, or it is not open.
        """
        runtime = self.opened(self._runtime, ENCODER.name)
        if sample_rate != SAMPLE_RATE:
            raise PluginFault(
                f"The audio encoder synctalk2d was handed sound at {sample_rate} Hz.",
                f"Hand it {SAMPLE_RATE} Hz, as its spec declares.",
            )
        return FrameRows(runtime.encode, fps)

    def close(self) -> None:
        """Release the network."""
        if self._runtime is not None:
            self._runtime.close()
        self._runtime = None


def _opened(chosen: RuntimeChoice, context: OpenContext) -> AudioRuntime:
    """Only the runtime that is used is imported."""
    assert chosen.checkpoint is not None  # `choose_ave` asks for it first
    if chosen.model is None:
        wait_quietly()
        from lipsync_synctalk2d.audio_runtime import AveRuntime

        return AveRuntime(chosen.checkpoint, context.device, context.threads)
    from lipsync_synctalk2d.onnx_runtime import OnnxAve

    if chosen.missing:
        from lipsync_synctalk2d.export import ave_to

        ave_to(chosen.model, chosen.checkpoint)
    return OnnxAve(chosen.model, context.device, context.threads)
