"""Both models' UNets behind one function, around the autoencoder that they share, as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from lipsync_core.errors import LipsyncError, PluginUnavailable
from lipsync_core.networks.autoencoder import quietly
from lipsync_latentsync import pictures
from lipsync_latentsync.denoiser import WHOLE, Denoiser
from lipsync_latentsync.hybrid_spec import SIDE
from lipsync_latentsync.latents import Autoencoder
from lipsync_latentsync.networks import network_device
from lipsync_latentsync.spec import LATENTSYNC15

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from lipsync_core.networks.device import NetworkDevice
    from lipsync_latentsync.availability import Memory
    from lipsync_latentsync.denoiser import Settings
    from lipsync_latentsync.hybrid_files import HybridFiles
    from lipsync_latentsync.latents import Latents
    from lipsync_latentsync.pictures import Batch

    Known = NDArray[np.float32]
    """`(N, 13, 32, 32)`: the nine channels that `Denoiser` knows, then `LOWER`."""
    Rows = NDArray[np.float32]
    """`(N, 2, 50, 384)`: audio features for MuseTalk, and for LatentSync."""

LOWER = slice(9, 13)
"""Channels of what is known: latents of the face with its lower half black, as MuseTalk wants them."""
Network = Literal["latentsync", "musetalk"]
NETWORKS: tuple[Network, ...] = ("latentsync", "musetalk")
"""In the order in which they are tried."""
_FRAME_BYTES = 400 * 2**20
_CPU_BATCH = 4
"""As for MuseTalk alone."""


class HybridNetworks:
    """The networks. MuseTalk's UNet is loaded when it is first asked for.

    Args:
        files: what to load.
        device: "cpu", "cuda", "cuda:1", "mps".
        precision: "fp32", "bf16" or "fp16".
        threads: CPU threads.
        memory: how the autoencoder limits its memory.
        compile: whether LatentSync's UNet is compiled.

    Raises:
        PluginUnavailable: the autoencoder's file or LatentSync's, with nothing to fall back on, is damaged or
            another network's; or this torch cannot use the device.
        OutOfMemory: they do not fit.
    """

    def __init__(
        self,
        files: HybridFiles,
        device: str,
        precision: str,
        threads: int,
        *,
        memory: Memory = "auto",
        compile: bool = False,
    ) -> None:
        self._device = network_device(device, precision, threads)
        plugin = LATENTSYNC15.name
        self.autoencoder = Autoencoder(
            files.vae_config, files.vae, plugin, self._device, SIDE, memory
        )
        self._fallback_files = files.fallback
        self._latentsync: Denoiser | None = None
        self._musetalk: _MuseTalk | None = None
        self._failed = ""
        try:
            self._latentsync = Denoiser(files.unet, self._device, compile=compile)
        except LipsyncError as error:
            if files.fallback is None:
                raise
            self._failed = error.message
            self._device.release()

    def known(self, crops: NDArray[np.uint8], masks: NDArray[np.float32]) -> Known:
        """What depends on the target alone.

        Args:
            crops: `(N, 256, 256, 3)` RGB.
            masks: `(N, 256, 256)`, 1 where LatentSync keeps the face, 0 where it paints.

        Raises:
            OutOfMemory: not even one fits.
        """
        whole = pictures.normalised(crops)
        lower = whole.copy()
        lower[:, :, SIDE // 2 :] = -1.0
        faces = (whole * masks[:, None], whole, lower)
        latents = [self.autoencoder.encode(batch) for batch in faces]
        return np.concatenate([masks[:, None, ::8, ::8], *latents], axis=1)

    def predict(self, network: Network, known: Known, rows: Rows, settings: Settings) -> Latents:
        """Latents of the new faces, by either network: the same goes in, and the same comes out.

        Args:
            network: which.
            known: of the N frames of a chunk.
            rows: of these frames.
            settings: LatentSync's; MuseTalk has none.

        Returns:
            `(N, 4, 32, 32)`.

        Raises:
            PluginUnavailable: it is not there, or could not be loaded.
            OutOfMemory: it does not fit.
        """
        if network == "latentsync":
            if self._latentsync is None:
                raise PluginUnavailable(self._failed)
            return self._latentsync.denoised(known[:, : WHOLE.stop], rows[:, 1], settings)
        if self._musetalk is None:
            if self._fallback_files is None:
                raise PluginUnavailable(
                    "MuseTalk's weights are not here.", "lipsync weights pull musetalk"
                )
            self._musetalk = _MuseTalk(*self._fallback_files, self._device)
        both = np.concatenate([known[:, LOWER], known[:, WHOLE]], axis=1)
        return self._musetalk.predict(both, rows[:, 0])

    def decode(self, latents: Latents) -> Batch:
        """`(N, 3, 256, 256)` RGB in about -1..1."""
        return self.autoencoder.decode(latents)

    def release(self) -> None:
        """Give back memory after a network failed."""
        self._device.release()

    def close(self) -> None:
        """Release the networks."""
        self.autoencoder.close()
        if self._latentsync is not None:
            self._latentsync.close()
        self._latentsync = self._musetalk = None
        self._device.release()


class _MuseTalk:
    """MuseTalk's UNet: one step at t = 0."""

    def __init__(self, unet: Path, config: Path, device: NetworkDevice) -> None:
        from lipsync_musetalk.diffusion import load_unet

        self._device = device
        with quietly():
            self._unet = device.place(load_unet(config, unet))
        self._batch = device.fitting(_FRAME_BYTES, on_cpu=_CPU_BATCH)
        self._zero = torch.zeros(1, dtype=torch.int64, device=device.torch)

    def predict(self, latents: NDArray[np.float32], rows: NDArray[np.float32]) -> Latents:
        """`(N, 4, 32, 32)` from `(N, 8, 32, 32)`, lower half hidden and whole face, and MuseTalk's rows."""
        from lipsync_musetalk import positions

        device, heard = self._device, positions.added(rows)

        def part(a: int, b: int) -> Latents:
            with torch.inference_mode():
                audio = device.put(heard[a:b])
                made = self._unet(device.put(latents[a:b]), self._zero, encoder_hidden_states=audio)
                return device.fetch(made.sample)

        return np.concatenate(device.in_pieces(len(latents), self._batch, part))
