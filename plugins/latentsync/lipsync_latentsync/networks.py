"""UNet and autoencoder on a device: faces and features in, faces with another mouth out, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from lipsync_core.networks.autoencoder import load_autoencoder, quietly
from lipsync_core.networks.device import NetworkDevice
from lipsync_latentsync import pictures
from lipsync_latentsync.loading import load_unet
from lipsync_latentsync.mask import latent_mask
from lipsync_latentsync.sampling import guided, noise, walk
from lipsync_latentsync.unet import OUT_CHANNELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_latentsync.availability import Files

    Latents = NDArray[np.float32]
    """`(N, 8, side / 8, side / 8)`: of the face with its mouth hidden, then of the whole face."""

_SCALE = 0.18215
"""Of Stable Diffusion's latents, for autoencoders whose configuration does not say."""
_FRAME_BYTES = 400 * 2**20
"""A cautious bound of what the autoencoder needs for a picture of 256x256 on a GPU in half precision."""
_CPU_BATCH = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the faces are painted.

    Attributes:
        steps: of the walk from noise.
        guidance: how far to go away from the picture without sound; up to 1 it is not computed.
        reuse: of so many steps in a row the deep layers run in the first one only; 1: in each.
        seed: of the noise.
    """

    steps: int = 20
    guidance: float = 1.5
    reuse: int = 1
    seed: int = 0


class LatentSyncNetworks:
    """Latents of 16 frames at a time, from noise that is the same for all of them.

    Args:
        files: what to load.
        side: of the network's square, 256 or 512.
        device: "cpu", "cuda", "cuda:1".
        precision: "fp32", "bf16" or "fp16".
        threads: CPU threads.

    Raises:
        PluginUnavailable: a file is damaged or another network's, or this torch cannot use the device.
        OutOfMemory: they do not fit.
    """

    def __init__(self, files: Files, side: int, device: str, precision: str, threads: int) -> None:
        # In fp32 exactness is preferred, see `NetworkDevice`; half precision is fast with channels last only.
        last = precision != "fp32"
        self._device = NetworkDevice(device, "LatentSync", threads, precision, channels_last=last)
        self.side = side
        with quietly():
            vae = load_autoencoder(files.vae_config, files.vae, files.plugin)
            self._vae = self._device.place(vae)
            self._unet = self._device.place(load_unet(files.unet))
        self._scale = float(getattr(self._vae.config, "scaling_factor", None) or _SCALE)
        area = (side / 256) ** 2
        self._batch = self._device.fitting(int(_FRAME_BYTES * area), on_cpu=_CPU_BATCH)

    def encode(self, crops: NDArray[np.uint8]) -> Latents:
        """Latents of aligned faces `(N, H, W, 3)` RGB, which depend on the target alone.

        The likeliest ones, where the original draws from their distribution.

        Raises:
            OutOfMemory: not even one fits.
        """
        whole = pictures.normalised(pictures.squared(crops, self.side))
        halves = [self._latents(faces) for faces in (pictures.hidden(whole), whole)]
        return np.concatenate(halves, axis=1)

    def _latents(self, faces: NDArray[np.float32]) -> NDArray[np.float32]:
        device = self._device

        def encode(a: int, b: int) -> NDArray[np.float32]:
            with torch.inference_mode():
                posterior = self._vae.encode(device.put(faces[a:b])).latent_dist
                return device.fetch(posterior.mode() * self._scale)

        return np.concatenate(device.in_pieces(len(faces), self._batch, encode))

    def paint(
        self, latents: Latents, audio: NDArray[np.float32], settings: Settings
    ) -> NDArray[np.float32]:
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
        return self.decode(self.denoised(latents, audio, settings))

    def denoised(
        self, latents: Latents, audio: NDArray[np.float32], settings: Settings
    ) -> NDArray[np.float32]:
        """`(N, 4, side / 8, side / 8)`: latents of the new faces, see `paint`."""
        device, frames = self._device, len(latents)
        cells = self.side // 8
        known = np.concatenate(
            [np.broadcast_to(latent_mask(self.side), (frames, 1, cells, cells)), latents], axis=1
        )
        fixed = device.put(np.moveaxis(known, 0, 1)[None])
        heard = device.put(audio)
        twice = settings.guidance > 1
        if twice:
            fixed = torch.cat([fixed, fixed])
            heard = torch.cat([torch.zeros_like(heard), heard])
        deep: torch.Tensor | None = None

        def predict(noisy: torch.Tensor, timestep: int, n: int) -> torch.Tensor:
            nonlocal deep
            now = noisy.to(fixed.dtype).expand(len(fixed), -1, -1, -1, -1)
            fresh = n % settings.reuse == 0
            told, deep = self._unet.quick(
                torch.cat([now, fixed], 1), timestep, heard, None if fresh else deep
            )
            return guided(told.float(), settings.guidance) if twice else told

        start = noise(OUT_CHANNELS, cells, cells, settings.seed).to(device.torch)
        with device.memory(), torch.inference_mode():
            made = walk(start.expand(-1, -1, frames, -1, -1), settings.steps, predict)
            return device.fetch(made[0].transpose(0, 1))

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """`(N, 3, side, side)` RGB in about -1..1 from `(N, 4, side / 8, side / 8)`."""
        device = self._device
        scaled = latents / np.float32(self._scale)

        def decode(a: int, b: int) -> NDArray[np.float32]:
            with torch.inference_mode():
                return device.fetch(self._vae.decode(device.put(scaled[a:b])).sample)

        return np.concatenate(device.in_pieces(len(latents), self._batch, decode))

    def close(self) -> None:
        """Let go of the networks."""
        del self._unet, self._vae
        self._device.release()
