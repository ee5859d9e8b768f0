"""SyncNet with its weights on a device: arrays in, arrays out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from lipsync_core.networks.device import NetworkDevice
from lipsync_core.networks.loading import loaded
from lipsync_syncnet.network import SyncNetwork

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from lipsync_syncnet.shifts import Embeddings


class Embedder:
    """The network in fp32.

    Args:
        checkpoint: `syncnet_v2.model`, or a file with the same tensors.
        device: "cpu", "cuda", "cuda:1".
        threads: CPU threads.

    Raises:
        PluginUnavailable: the file is damaged or holds another network; this torch cannot use the device.
        OutOfMemory: it does not fit.
    """

    def __init__(self, checkpoint: Path, device: str = "cpu", threads: int = 1) -> None:
        self._device = NetworkDevice(device, "SyncNet", threads)
        self._network = self._device.place(loaded(SyncNetwork, checkpoint))

    def embed_faces(self, windows: NDArray[np.uint8]) -> Embeddings:
        """`(N, 1024)` of `(N, 5, 224, 224, 3)` RGB; all at once, in some 18 MB each."""
        with self._device.memory(), torch.inference_mode():
            stacked = self._device.put(windows[..., ::-1].transpose(0, 4, 1, 2, 3))
            return self._device.fetch(self._network.embed_faces(stacked))

    def embed_sound(self, windows: NDArray[np.float32]) -> Embeddings:
        """`(N, 1024)` of `(N, 20, 13)` MFCC rows."""
        with self._device.memory(), torch.inference_mode():
            columns = self._device.put(windows.transpose(0, 2, 1)[:, None])
            return self._device.fetch(self._network.embed_sound(columns))

    def close(self) -> None:
        """Release the memory."""
        del self._network
        self._device.release()
