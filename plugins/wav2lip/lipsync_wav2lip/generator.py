"""The Wav2Lip generator: crops and mel windows in, crops with another mouth out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lipsync_core.contracts import Generator
from lipsync_core.errors import PluginFault, PluginUnavailable
from lipsync_core.networks.batches import in_batches
from lipsync_core.networks.quiet import wait_quietly
from lipsync_core.networks.runtime import RuntimeChoice
from lipsync_wav2lip import pictures
from lipsync_wav2lip.choice import choose
from lipsync_wav2lip.spec import WAV2LIP

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext
    from lipsync_core.records import Chunk
    from lipsync_wav2lip.runtime import FaceRuntime

ROW = (80, 16)
"""Mel bands x columns."""


class Wav2Lip(Generator):
    """See the module; which runtime does the work is decided by `choice.choose`."""

    def __init__(self) -> None:
        self._runtime: FaceRuntime | None = None
        self._cut_off = False

    def open(self, context: OpenContext) -> None:
        """Load the network.

        Raises:
            PluginUnavailable: packages, weights or the device are missing, or the file is damaged.
            OutOfMemory: it does not fit.
        """
        chosen = choose(context)
        if not isinstance(chosen, RuntimeChoice):
            raise PluginUnavailable(f"Wav2Lip cannot run: {chosen.reason}.", chosen.hint)
        self._cut_off = bool(context.options.get("compat", False))
        self._runtime = _opened(chosen, context)

    def generate(self, chunk: Chunk) -> NDArray[np.uint8]:
        """The crops with the new mouth; see the contract.

        Raises:
            OutOfMemory: not even one batch fits.
            GenerationFailed: the network gave NaN.
        """
        runtime = self.opened(self._runtime, WAV2LIP.name)
        if chunk.features.shape[1:] != ROW:
            raise PluginFault(
                f"The generator wav2lip wants {ROW} features a frame, got {chunk.features.shape[1:]}.",
                "Use the audio encoder mel.",
            )
        faces = pictures.network_faces(chunk.crops.images)
        made = in_batches(runtime.run, runtime.batch, chunk.features[:, None], faces)
        return pictures.crops_of(made, cut_off=self._cut_off)

    def close(self) -> None:
        """Release the network."""
        if self._runtime is not None:
            self._runtime.close()
        self._runtime = None


def _opened(chosen: RuntimeChoice, context: OpenContext) -> FaceRuntime:
    """Only the runtime that is used is imported."""
    if chosen.runtime == "torch":
        # Beside one busy process, 23 frames a second instead of 16, and 4.2 s of CPU time instead of 7.4.
        wait_quietly()
        from lipsync_wav2lip.torch_runtime import TorchRuntime

        return TorchRuntime(chosen.file, context.device, chosen.precision, context.threads)
    from lipsync_wav2lip.onnx_runtime import OnnxRuntime

    if chosen.missing and chosen.checkpoint is not None:
        from lipsync_wav2lip.export import export_to

        export_to(chosen.file, chosen.checkpoint)
    return OnnxRuntime(chosen.file, context.device, context.threads)
