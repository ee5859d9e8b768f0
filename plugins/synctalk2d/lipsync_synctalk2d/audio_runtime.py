"""The AVE audio encoder in PyTorch: arrays in, arrays out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from lipsync_core.networks.batches import in_batches
from lipsync_core.networks.device import NetworkDevice
from lipsync_synctalk2d.loading import audio_network

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

_BATCH = 64


class AveRuntime:
    """See the module. In fp32 and the layout that rounds less: a second of sound takes 0.07 s of a CPU core.

    Args:
        checkpoint: the published file, or one with the same tensors.
        device: "cpu", "cuda", "cuda:1".
        threads: CPU threads.

    Raises:
        PluginUnavailable: the file is damaged or holds another network; this torch cannot use the device.
        OutOfMemory: the network does not fit on the device.
    """

    def __init__(self, checkpoint: Path, device: str, threads: int) -> None:
        self._device = NetworkDevice(device, "SyncTalk_2D", threads, channels_last=False)
        self._network = self._device.place(audio_network(checkpoint))

    def encode(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """`(N, 80, 16)` mel windows in -4..4 -> `(N, 512)`.

        Raises:
            OutOfMemory: they do not fit.
        """
        with self._device.memory(), torch.inference_mode():
            return in_batches(self._encode, _BATCH, windows[:, None])

    def close(self) -> None:
        """Release the memory."""
        del self._network
        self._device.release()

    def _encode(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._device.fetch(self._network(self._device.put(windows)).flatten(1))
