"""Whisper's network on a device: mel in, layers out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from lipsync_core.networks.device import NetworkDevice
from lipsync_musetalk.whisper_network import load

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


class WhisperRuntime:
    """The network in fp32, whatever the run's precision: it is small.

    Args:
        path: its weights in either layout.
        device: "cpu", "cuda", "cuda:1".
        threads: CPU threads.

    Raises:
        PluginUnavailable: the file is damaged or another network's, or this torch cannot use the device.
        OutOfMemory: it does not fit.
    """

    def __init__(self, path: Path, device: str, threads: int) -> None:
        self._device = NetworkDevice(device, "Whisper", threads)
        self._network = self._device.place(load(path))

    def layers(self, mel: NDArray[np.float32], normed: bool) -> NDArray[np.float32]:
        """See `WhisperNetwork.forward`.

        Raises:
            OutOfMemory: it does not fit.
        """
        device = self._device
        with device.memory(), torch.inference_mode():
            return device.fetch(self._network(device.put(mel), normed))

    def close(self) -> None:
        """Release the network."""
        del self._network
        self._device.release()
