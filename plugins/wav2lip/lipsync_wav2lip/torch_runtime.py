"""The face network in PyTorch: BatchNorm folded, channels last, in the precision that was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from lipsync_core.networks.device import NetworkDevice
from lipsync_core.networks.folding import fold
from lipsync_core.networks.loading import loaded
from lipsync_wav2lip.network import FaceNetwork
from lipsync_wav2lip.runtime import CPU_BATCH

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

_FRAME_BYTES = 64 * 2**20
"""A cautious bound of what one frame needs while it is computed: its largest layers hold 160 channels of
96x96 numbers, some 6 MB each in fp32, and convolutions want room to work."""


class TorchRuntime:
    """See `runtime.FaceRuntime`.

    Args:
        checkpoint: a published file, or one with the same tensors.
        device: "cpu", "cuda", "cuda:1".
        precision: "fp32", "bf16" or "fp16".
        threads: CPU threads.

    Raises:
        PluginUnavailable: the file is damaged or holds another network; this torch cannot use the device.
        OutOfMemory: the network does not fit on the device.
    """

    def __init__(self, checkpoint: Path, device: str, precision: str, threads: int) -> None:
        self._device = NetworkDevice(device, "Wav2Lip", threads, precision)
        self._network = self._device.place(folded(checkpoint))
        self.batch = self._device.fitting(_FRAME_BYTES, on_cpu=CPU_BATCH)

    def run(self, mel: NDArray[np.float32], faces: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `runtime.FaceRuntime.run`."""
        device = self._device
        with device.memory(), torch.inference_mode():
            return device.fetch(self._network(device.put(mel), device.put(faces)))

    def close(self) -> None:
        """See `runtime.FaceRuntime.close`."""
        del self._network
        self._device.release()


def folded(checkpoint: Path) -> FaceNetwork:
    """The network of a checkpoint on the CPU in fp32, ready to be used.

    Raises:
        PluginUnavailable: the file is damaged or holds another network.
    """
    return fold(loaded(FaceNetwork, checkpoint))
