"""SyncNet with its weights on a device: arrays in, arrays out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from lipsync_core.errors import PluginUnavailable
from lipsync_core.weights import state_dict
from lipsync_syncnet.network import SyncNetwork

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from lipsync_syncnet.shifts import Embeddings

FRAMES = 5
"""Consecutive frames, at 25 a second, that one embedding is made of."""
COLUMNS = 20
"""MFCC columns of the same 0.2 s."""


class Embedder:
    """The network in fp32.

    Args:
        checkpoint: `syncnet_v2.model`, or a file with the same tensors.
        device: "cpu", "cuda", "cuda:1".
        threads: CPU threads.

    Raises:
        PluginUnavailable: the file is damaged or holds another network; this torch cannot use the device.
    """

    def __init__(self, checkpoint: Path, device: str = "cpu", threads: int = 1) -> None:
        self._device = torch.device(device)
        if self._device.type == "cuda" and not torch.cuda.is_available():
            raise PluginUnavailable(
                "SyncNet cannot run: the torch that is installed here cannot use the GPU.",
                "Install a torch with CUDA, or choose --device cpu.",
            )
        torch.set_num_threads(threads)
        with torch.device("meta"):
            network = SyncNetwork()
        state_dict.load(network, state_dict.read(checkpoint), checkpoint)
        self._network = network.float().eval().requires_grad_(False).to(self._device)

    def embed_faces(self, windows: NDArray[np.uint8]) -> Embeddings:
        """`(N, 1024)` of `(N, 5, 224, 224, 3)` RGB; all at once, in some 18 MB each."""
        with torch.inference_mode():
            levels = torch.from_numpy(np.ascontiguousarray(windows)).to(self._device)
            stacked = levels.flip(-1).permute(0, 4, 1, 2, 3).float()
            found: Embeddings = self._network.embed_faces(stacked).cpu().numpy()
        return found

    def embed_sound(self, windows: NDArray[np.float32]) -> Embeddings:
        """`(N, 1024)` of `(N, 20, 13)` MFCC rows."""
        with torch.inference_mode():
            columns = torch.from_numpy(np.ascontiguousarray(windows.transpose(0, 2, 1)))
            found: Embeddings = (
                self._network.embed_sound(columns[:, None].to(self._device)).cpu().numpy()
            )
        return found
