"""StableSyncNet with its weights on a device: arrays in, arrays out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from lipsync_core.networks.device import NetworkDevice
from lipsync_latentsync import pictures
from lipsync_latentsync.syncnet_network import load

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Embeddings = NDArray[np.float32]
    """`(N, 2048)`, each row of length 1."""

_SIDE = 256


class Embedder:
    """The network in fp32.

    Args:
        checkpoint: `stable_syncnet.pt`, or a file with the same tensors.
        device: "cpu", "cuda", "cuda:1", "mps".
        threads: CPU threads.

    Attributes:
        shape: of one lower half face: rows, columns, channels.

    Raises:
        PluginUnavailable: the file is damaged or holds another network; this torch cannot use the device.
        OutOfMemory: it does not fit.
    """

    shape = (_SIDE // 2, _SIDE, 3)

    def __init__(self, checkpoint: Path, device: str = "cpu", threads: int = 1) -> None:
        self._device = NetworkDevice(device, "StableSyncNet", threads, channels_last=False)
        self._network = self._device.place(load(checkpoint))

    def lower(self, crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """`(N, 128, 256, 3)`: the lower halves of aligned faces `(N, H, W, 3)` RGB, squeezed to a square."""
        return pictures.squared(crops, _SIDE)[:, _SIDE // 2 :]

    def embed_faces(self, windows: NDArray[np.uint8]) -> Embeddings:
        """Of `(N, 16, 128, 256, 3)` RGB lower half faces.

        Raises:
            OutOfMemory: N windows do not fit.
        """
        planes = np.moveaxis(windows, 4, 2).reshape(len(windows), -1, *self.shape[:2])
        scaled = planes.astype(np.float32) / np.float32(127.5) - np.float32(1)
        with self._device.memory(), torch.inference_mode():
            return self._device.fetch(self._network.embed_faces(self._device.put(scaled)))

    def embed_sound(self, windows: NDArray[np.float32]) -> Embeddings:
        """Of `(N, 80, 52)` mel windows.

        Raises:
            OutOfMemory: N windows do not fit.
        """
        with self._device.memory(), torch.inference_mode():
            mel = self._device.put(windows[:, None])
            return self._device.fetch(self._network.embed_sound(mel))

    def close(self) -> None:
        """Release the network."""
        del self._network
        self._device.release()
