"""Whisper's network on a device: mel in, layers out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from lipsync_core.errors import PluginUnavailable
from lipsync_musetalk.torch_memory import memory_errors
from lipsync_musetalk.whisper_network import load

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


class WhisperRuntime:
    """The network in fp32: it is small, and what it gives is compared with goldens to the fourth digit.

    Args:
        path: its weights in either layout.
        device: "cpu", "cuda", "cuda:1".
        threads: CPU threads.

    Raises:
        PluginUnavailable: the file is damaged or another network's, or this torch cannot use the device.
        OutOfMemory: it does not fit.
    """

    def __init__(self, path: Path, device: str, threads: int) -> None:
        self._device = torch.device(device)
        if self._device.type == "cuda" and not torch.cuda.is_available():
            raise PluginUnavailable(
                "Whisper cannot run: the torch that is installed here cannot use the GPU.",
                "Install a torch with CUDA, or choose --device cpu.",
            )
        torch.set_num_threads(threads)
        with memory_errors("Whisper"):
            self._network = load(path).to(self._device)

    def layers(self, mel: NDArray[np.float32], normed: bool) -> NDArray[np.float32]:
        """See `WhisperNetwork.forward`.

        Raises:
            OutOfMemory: it does not fit.
        """
        with memory_errors("Whisper"), torch.inference_mode():
            made: torch.Tensor = self._network(torch.from_numpy(mel).to(self._device), normed)
            result: NDArray[np.float32] = made.cpu().numpy()
        return result

    def close(self) -> None:
        """Let go of the network; torch would keep a GPU's memory for itself."""
        del self._network
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
