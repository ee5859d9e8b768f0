"""The SyncTalk_2D generators: crops and AVE rows in, crops with another mouth out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lipsync_core.contracts import Generator
from lipsync_core.errors import PluginFault, PluginUnavailable
from lipsync_core.networks.batches import in_batches
from lipsync_core.networks.quiet import wait_quietly
from lipsync_synctalk2d import pictures
from lipsync_synctalk2d.choice import Choice, choose
from lipsync_synctalk2d.layouts import encoder_for
from lipsync_synctalk2d.spec import GENERATORS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext
    from lipsync_core.records import Chunk
    from lipsync_synctalk2d.layouts import Layout
    from lipsync_synctalk2d.runtime import FaceRuntime


class SyncTalk2D(Generator):
    """The large network; whose it is decides `choice.choose`."""

    side: ClassVar[int] = pictures.LARGE

    def __init__(self) -> None:
        self._runtime: FaceRuntime | None = None
        self._layout: Layout | None = None
        self._cut_off = False

    def open(self, context: OpenContext) -> None:
        """Load the person's network.

        Raises:
            PluginUnavailable: the person or the device is missing, or the file is damaged.
            OutOfMemory: it does not fit.
        """
        chosen = choose(self.side, context)
        if not isinstance(chosen, Choice):
            raise PluginUnavailable(f"SyncTalk_2D cannot run: {chosen.reason}.", chosen.hint)
        self._cut_off = bool(context.options.get("compat", False))
        self._layout = chosen.layout
        self._runtime = _opened(chosen, context)

    def generate(self, chunk: Chunk) -> NDArray[np.uint8]:
        """The crops with the new mouth; see the contract.

        Raises:
            OutOfMemory: not even one batch fits.
            GenerationFailed: the network gave NaN.
        """
        name = GENERATORS[self.side].name
        runtime, layout = self.opened(self._runtime, name), self.opened(self._layout, name)
        wanted = layout.shape
        if chunk.features.shape[1:] != wanted:
            raise PluginFault(
                f"The generator {name} wants {wanted} features a frame, got {chunk.features.shape[1:]}.",
                f"Use the audio encoder {encoder_for(layout)}.",
            )
        seen = pictures.network_pictures(chunk.crops.images)
        made = in_batches(runtime.run, runtime.batch, seen, chunk.features)
        return pictures.crops_of(made, chunk.crops.images, cut_off=self._cut_off)

    def close(self) -> None:
        """Release the network."""
        if self._runtime is not None:
            self._runtime.close()
        self._runtime = None


class SyncTalk2D160(SyncTalk2D):
    """The small network."""

    side: ClassVar[int] = pictures.SMALL


def _opened(chosen: Choice, context: OpenContext) -> FaceRuntime:
    """Only the runtime that is used is imported."""
    layout, device, threads = chosen.layout, context.device, context.threads
    runs = chosen.runs
    assert runs is not None  # `choose` decides it
    if runs.model is None:
        wait_quietly()
        from lipsync_synctalk2d.torch_runtime import TorchRuntime

        hubert = layout.sound == "hubert"
        return TorchRuntime(chosen.file, device, runs.precision, threads, hubert=hubert)
    from lipsync_synctalk2d.onnx_runtime import OnnxRuntime

    if runs.missing:
        from lipsync_synctalk2d.export import person_to

        person_to(runs.model, chosen.file, layout)
    return OnnxRuntime(runs.model, layout.side, layout.shape, device, threads)
