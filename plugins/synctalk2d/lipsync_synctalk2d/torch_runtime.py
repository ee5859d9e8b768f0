"""A person's network in PyTorch: BatchNorm folded, channels last, in the precision that was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from lipsync_core.networks.device import NetworkDevice
from lipsync_synctalk2d.loading import face_network

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

_CPU_BATCH = {320: 1, 160: 4}
"""Measured on one core of a Zen 4 in bf16, with 1, 2, 4 at a time: 10.1, 8.2, 7.4 frames a second of the
large network, 17.3, 19.3, 21.1 of the small one."""
_FRAME_BYTES = {320: 256 * 2**20, 160: 64 * 2**20}
"""A cautious bound of what one frame needs while it is computed: its largest layers hold 128 channels of the
whole picture, 52 MB in fp32 at 320x320, and convolutions want room to work."""


class TorchRuntime:
    """See `runtime.FaceRuntime`.

    Args:
        checkpoint: a file that the training wrote.
        device: "cpu", "cuda", "cuda:1".
        precision: "fp32", "bf16" or "fp16".
        threads: CPU threads.
        hubert: see `loading.face_network`.

    Raises:
        PluginUnavailable: the file is damaged or holds another network; this torch cannot use the device.
        OutOfMemory: the network does not fit on the device.
    """

    def __init__(
        self, checkpoint: Path, device: str, precision: str, threads: int, *, hubert: bool = False
    ) -> None:
        self._device = NetworkDevice(device, "SyncTalk_2D", threads, precision)
        network, layout = face_network(checkpoint, hubert=hubert)
        self._network = self._device.place(network)
        self.side: int = layout.side
        self.batch = self._device.fitting(_FRAME_BYTES[self.side], on_cpu=_CPU_BATCH[self.side])

    def run(self, pictures: NDArray[np.float32], sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `runtime.FaceRuntime.run`."""
        device = self._device
        with device.memory(), torch.inference_mode():
            return device.fetch(self._network(device.put(pictures), device.put(sound)))

    def close(self) -> None:
        """See `runtime.FaceRuntime.close`."""
        del self._network
        self._device.release()
