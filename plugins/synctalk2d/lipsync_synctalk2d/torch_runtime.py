"""A person's network in PyTorch: BatchNorm folded, channels last, in the precision that was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from lipsync_synctalk2d.audio_runtime import torch_device
from lipsync_synctalk2d.loading import face_network
from lipsync_synctalk2d.torch_memory import memory_errors

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_CPU_BATCH = {320: 1, 160: 4}
"""Measured on one core of a Zen 4 in bf16, with 1, 2, 4 at a time: 10.1, 8.2, 7.4 frames a second of the
large network, 17.3, 19.3, 21.1 of the small one."""
_FRAME_BYTES = {320: 256 * 2**20, 160: 64 * 2**20}
"""A cautious bound of what one frame needs while it is computed: its largest layers hold 128 channels of the
whole picture, 52 MB in fp32 at 320x320, and convolutions want room to work."""
_SHARE = 0.5
"""Of the free GPU memory; the rest is for others."""


class TorchRuntime:
    """See `runtime.FaceRuntime`.

    Args:
        checkpoint: a file that the training wrote.
        device: "cpu", "cuda", "cuda:1".
        precision: "fp32", "bf16" or "fp16".
        threads: CPU threads.

    Raises:
        PluginUnavailable: the file is damaged or holds another network; this torch cannot use the device.
        OutOfMemory: the network does not fit on the device.
    """

    def __init__(self, checkpoint: Path, device: str, precision: str, threads: int) -> None:
        self._device = torch_device(device)
        torch.set_num_threads(threads)
        self._type = TYPES[precision]
        with memory_errors():
            network, self.layout = face_network(checkpoint)
            network = network.to(device=self._device, dtype=self._type)
            self._network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # stubs
        self.side: int = self.layout.side
        self.batch = self._fitting()

    def run(self, pictures: NDArray[np.float32], sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `runtime.FaceRuntime.run`."""
        with memory_errors(), torch.inference_mode():
            made: torch.Tensor = self._network(self._put(pictures), self._put(sound))
            result: NDArray[np.float32] = made.float().contiguous().cpu().numpy()
        return result

    def close(self) -> None:
        """See `runtime.FaceRuntime.close`; torch would keep a GPU's memory for itself."""
        del self._network
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _put(self, array: NDArray[np.float32]) -> torch.Tensor:
        return torch.from_numpy(array).to(
            device=self._device, dtype=self._type, memory_format=torch.channels_last
        )

    def _fitting(self) -> int:
        """Frames at a time: on a GPU what its free memory holds, on a CPU what its cache likes."""
        if self._device.type != "cuda":
            return _CPU_BATCH[self.side]
        free, _ = torch.cuda.mem_get_info(self._device)
        return max(1, int(free * _SHARE) // _FRAME_BYTES[self.side])
