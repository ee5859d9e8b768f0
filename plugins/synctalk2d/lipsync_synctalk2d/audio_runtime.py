"""The AVE audio encoder in PyTorch: arrays in, arrays out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from lipsync_core.errors import PluginUnavailable
from lipsync_synctalk2d.loading import audio_network
from lipsync_synctalk2d.torch_memory import memory_errors

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_BATCH = 64


class AveRuntime:
    """See the module. It computes in fp32 everywhere: it costs 2 ms for a second of sound.

    Args:
        checkpoint: the published file, or one with the same tensors.
        device: "cpu", "cuda", "cuda:1".
        threads: CPU threads.

    Raises:
        PluginUnavailable: the file is damaged or holds another network; this torch cannot use the device.
    """

    def __init__(self, checkpoint: Path, device: str, threads: int) -> None:
        self._device = torch_device(device)
        torch.set_num_threads(threads)
        with memory_errors():
            self._network = audio_network(checkpoint).to(self._device)

    def encode(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """`(N, 80, 16)` mel windows in -4..4 -> `(N, 512)`."""
        rows = [np.zeros((0, 512), np.float32)]
        with memory_errors(), torch.inference_mode():
            for at in range(0, len(windows), _BATCH):
                part = torch.from_numpy(np.ascontiguousarray(windows[at : at + _BATCH, None]))
                rows.append(self._network(part.to(self._device)).cpu().numpy())
        return np.concatenate(rows)

    def close(self) -> None:
        """Give the memory back."""
        del self._network


def torch_device(name: str) -> torch.device:
    """The device of that name.

    Raises:
        PluginUnavailable: a GPU, and this torch cannot use it.
    """
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise PluginUnavailable(
            "SyncTalk_2D cannot run: the torch that is installed here cannot use the GPU.",
            "Install a torch with CUDA, or choose --device cpu.",
        )
    return device
