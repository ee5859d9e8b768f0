"""UNet and autoencoder together: aligned faces and features in, faces with another mouth out, as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.networks.device import NetworkDevice
from lipsync_latentsync import pictures
from lipsync_latentsync.denoiser import Denoiser
from lipsync_latentsync.latents import Autoencoder
from lipsync_latentsync.mask import latent_mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_latentsync.availability import Files, Memory
    from lipsync_latentsync.denoiser import Settings
    from lipsync_latentsync.latents import Latents
    from lipsync_latentsync.pictures import Batch

    TwoLatents = NDArray[np.float32]
    """`(N, 8, side / 8, side / 8)`: of the face with its mouth hidden, then of the whole face."""


class LatentSyncNetworks:
    """Latents of 16 frames at a time, from noise that is the same for all of them.

    Args:
        files: what to load.
        side: of the network's square, 256 or 512.
        device: "cpu", "cuda", "cuda:1", "mps".
        precision: "fp32", "bf16" or "fp16".
        threads: CPU threads.
        memory: how the autoencoder limits its memory, see `Autoencoder`.
        compile: whether the UNet is compiled.

    Raises:
        PluginUnavailable: a file is damaged or another network's, or this torch cannot use the device.
        OutOfMemory: they do not fit.
    """

    def __init__(
        self,
        files: Files,
        side: int,
        device: str,
        precision: str,
        threads: int,
        *,
        memory: Memory = "auto",
        compile: bool = False,
    ) -> None:
        self._device = network_device(device, precision, threads)
        self.side = side
        self.autoencoder = Autoencoder(
            files.vae_config, files.vae, files.plugin, self._device, side, memory
        )
        self.denoiser = Denoiser(files.unet, self._device, compile=compile)

    def encode(self, crops: NDArray[np.uint8]) -> TwoLatents:
        """Latents of aligned faces `(N, H, W, 3)` RGB, which depend on the target alone.

        Raises:
            OutOfMemory: not even one fits.
        """
        whole = pictures.normalised(pictures.squared(crops, self.side))
        halves = [self.autoencoder.encode(faces) for faces in (pictures.hidden(whole), whole)]
        return np.concatenate(halves, axis=1)

    def paint(self, latents: TwoLatents, audio: NDArray[np.float32], settings: Settings) -> Batch:
        """Faces with another mouth.

        Args:
            latents: of the N frames of a chunk, at most 24, see `encode`.
            audio: `(N, 50, 384)` of the audio encoder `whisper-latentsync`.
            settings: how.

        Returns:
            `(N, 3, side, side)` RGB in about -1..1.

        Raises:
            OutOfMemory: the chunk does not fit.
        """
        return self.autoencoder.decode(self.denoised(latents, audio, settings))

    def denoised(
        self, latents: TwoLatents, audio: NDArray[np.float32], settings: Settings
    ) -> Latents:
        """`(N, 4, side / 8, side / 8)`: latents of the new faces, see `paint`."""
        mask = latent_mask(self.side)
        masks = np.broadcast_to(mask, (len(latents), 1, *mask.shape))
        return self.denoiser.denoised(np.concatenate([masks, latents], 1), audio, settings)

    def close(self) -> None:
        """Release the networks."""
        self.denoiser.close()
        self.autoencoder.close()
        self._device.release()


def network_device(name: str, precision: str, threads: int) -> NetworkDevice:
    """The device in the layout that suits the precision.

    Raises:
        PluginUnavailable: the torch that is installed cannot use the device.
    """
    # In fp32 exactness is preferred, see `NetworkDevice`; half precision is fast with channels last only.
    return NetworkDevice(name, "LatentSync", threads, precision, channels_last=precision != "fp32")
