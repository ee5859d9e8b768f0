"""How well mouths fit a voice, by Wav2Lip's own lip-sync expert: arrays in, arrays out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from lipsync_core.networks.batches import in_batches
from lipsync_core.networks.device import NetworkDevice
from lipsync_core.networks.folding import fold
from lipsync_core.networks.loading import loaded
from lipsync_wav2lip.expert_network import ExpertNetwork

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Embeddings = NDArray[np.float32]
    """`(N, 512)`, each row of length 1."""

_BATCH = 32


class Expert:
    """SyncNet_color.

    Args:
        checkpoint: `lipsync_expert.pth`, or a file with the same tensors.
        device: "cpu", "cuda", "cuda:1".
        threads: CPU threads.

    Raises:
        PluginUnavailable: the file is damaged or holds another network; this torch cannot use the device.
        OutOfMemory: it does not fit.
    """

    def __init__(self, checkpoint: Path, device: str = "cpu", threads: int = 1) -> None:
        self._device = NetworkDevice(device, "Wav2Lip's expert", threads)
        self._network = self._device.place(fold(loaded(ExpertNetwork, checkpoint)))

    def embed_faces(self, crops: NDArray[np.uint8]) -> Embeddings:
        """One row for five frames.

        Args:
            crops: `(N, 5, 96, 96, 3)` RGB, whole faces as Wav2Lip cuts them; only rows 48..95 are looked at.
        """
        lower = crops[:, :, crops.shape[2] // 2 :, :, ::-1].astype(np.float32) / np.float32(255)
        stacked = lower.transpose(0, 1, 4, 2, 3).reshape(len(crops), 15, 48, 96)
        return self._embedded(self._network.embed_faces, stacked)

    def embed_mel(self, windows: NDArray[np.float32]) -> Embeddings:
        """One row for each `(80, 16)` window of the audio encoder `mel`; `windows` is `(N, 80, 16)`."""
        return self._embedded(self._network.embed_mel, windows[:, None])

    def close(self) -> None:
        """Release the memory."""
        del self._network
        self._device.release()

    def _embedded(self, half: Embedder, array: NDArray[np.float32]) -> Embeddings:
        device = self._device

        def run(piece: NDArray[np.float32]) -> Embeddings:
            return device.fetch(half(device.put(piece)))

        with device.memory(), torch.inference_mode():
            return in_batches(run, _BATCH, array)


def cosine(faces: Embeddings, mel: Embeddings) -> NDArray[np.float32]:
    """`(N,)`: 1 where mouth and voice agree; the expert was trained to tell 0 from 1 with it."""
    return np.asarray((faces * mel).sum(axis=1), np.float32)


def distance(faces: Embeddings, mel: Embeddings) -> NDArray[np.float32]:
    """`(N,)` Euclidean distances, 0 to 2; the square is 2 - 2 cosine."""
    return np.asarray(np.linalg.norm(faces - mel, axis=1), np.float32)


if TYPE_CHECKING:
    from collections.abc import Callable

    Embedder = Callable[[torch.Tensor], torch.Tensor]
