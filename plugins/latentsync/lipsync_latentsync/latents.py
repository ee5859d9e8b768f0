"""Stable Diffusion's autoencoder on a device: faces to latents and back, in the memory there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from lipsync_core.networks.autoencoder import load_autoencoder, quietly
from lipsync_core.networks.upsampling import quick_doubling

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from lipsync_core.networks.device import NetworkDevice
    from lipsync_latentsync.availability import Memory
    from lipsync_latentsync.pictures import Batch

    Latents = NDArray[np.float32]
    """`(N, 4, side / 8, side / 8)`."""

_SCALE = 0.18215
"""Of Stable Diffusion's latents, for autoencoders whose configuration does not say."""
_FRAME_BYTES = 400 * 2**20
"""A cautious bound of what the autoencoder needs for a picture of 256x256 on a GPU in half precision."""
_CPU_BATCH = 2


class Autoencoder:
    """The autoencoder.

    Args:
        config: its `config.json`.
        weights: its tensors.
        plugin: whose files they are.
        device: where it runs.
        side: of the square faces.
        memory: "auto": as many faces at a time as fit; "sliced": one; "tiled": one, in tiles that overlap.

    Raises:
        PluginUnavailable: a file is damaged or another network's.
        OutOfMemory: it does not fit.
    """

    def __init__(
        self,
        config: Path,
        weights: Path,
        plugin: str,
        device: NetworkDevice,
        side: int,
        memory: Memory = "auto",
    ) -> None:
        self._device = device
        with quietly():
            vae = load_autoencoder(config, weights, plugin)
            if device.torch.type == "cpu":  # where it was measured
                quick_doubling(vae.decoder)
            self._vae = device.place(vae)
        self._scale = float(getattr(self._vae.config, "scaling_factor", None) or _SCALE)
        area = (side / 256) ** 2
        self._batch = device.fitting(int(_FRAME_BYTES * area), on_cpu=_CPU_BATCH)
        if memory != "auto":
            self._batch = 1
        if memory == "tiled":
            self._vae.use_tiling = True
            # The published configuration's tiles are as large as the faces of 256 pixels.
            self._vae.tile_sample_min_size, self._vae.tile_latent_min_size = side // 2, side // 16

    def encode(self, faces: Batch) -> Latents:
        """Latents of faces `(N, 3, side, side)`: the mean of the distribution; the originals sample from it.

        Raises:
            OutOfMemory: not even one fits.
        """
        return self._in_pieces(
            faces, lambda batch: self._vae.encode(batch).latent_dist.mode() * self._scale
        )

    def decode(self, latents: Latents) -> Batch:
        """`(N, 3, side, side)` RGB in about -1..1.

        Raises:
            OutOfMemory: not even one fits.
        """
        scaled = latents / np.float32(self._scale)
        return self._in_pieces(scaled, lambda batch: self._vae.decode(batch).sample)

    def _in_pieces(
        self, batch: NDArray[np.float32], run: Callable[[torch.Tensor], torch.Tensor]
    ) -> NDArray[np.float32]:
        device = self._device

        def part(a: int, b: int) -> NDArray[np.float32]:
            with torch.inference_mode():
                return device.fetch(run(device.put(batch[a:b])))

        return np.concatenate(device.in_pieces(len(batch), self._batch, part))

    def close(self) -> None:
        """Release the network."""
        del self._vae
