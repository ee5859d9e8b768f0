"""UNet and autoencoder on a device: faces and features in, faces with another mouth out, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from lipsync_core.networks.device import NetworkDevice
from lipsync_musetalk import pictures, positions
from lipsync_musetalk.diffusion import load_unet, load_vae, quietly

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Latents = NDArray[np.float32]
    """`(N, 8, H/8, W/8)`: of the face with its lower half hidden, then of the whole face."""

_SCALE = 0.18215
"""Of Stable Diffusion's latents, for autoencoders whose configuration does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What the networks are loaded from, in upstream's layout."""

    unet: Path
    unet_config: Path
    vae: Path
    vae_config: Path


class LatentNetworks:
    """One step at t = 0: no noise, no schedule.

    Args:
        files: what to load.
        device: "cpu", "cuda", "cuda:1".
        precision: "fp32", "bf16" or "fp16".
        threads: CPU threads.

    Raises:
        PluginUnavailable: a file is damaged or another network's, or this torch cannot use the device.
        OutOfMemory: they do not fit.
    """

    def __init__(self, files: Files, device: str, precision: str, threads: int) -> None:
        # In fp32 exactness is preferred, see `NetworkDevice`; half precision is fast with channels last only.
        last = precision != "fp32"
        self._device = NetworkDevice(device, "MuseTalk", threads, precision, channels_last=last)
        with quietly():
            self._vae = self._device.place(load_vae(files.vae_config, files.vae))
            self._unet = self._device.place(load_unet(files.unet_config, files.unet))
        self._scale = float(getattr(self._vae.config, "scaling_factor", None) or _SCALE)
        self._zero = torch.zeros(1, dtype=torch.int64, device=self._device.torch)

    def encode(self, faces: NDArray[np.uint8], generator: torch.Generator | None = None) -> Latents:
        """Latents of faces, which depend on the target alone.

        Args:
            faces: `(N, 256, 256, 3)` RGB.
            generator: draws from the posterior as the original does; without it, its mode is taken, so
                that runs repeat.

        Raises:
            OutOfMemory: N faces do not fit.
        """
        whole = pictures.normalised(faces)
        halves = [
            self._latents(batch, generator) for batch in (pictures.lower_half_hidden(whole), whole)
        ]
        return np.concatenate(halves, axis=1)

    def _latents(
        self, batch: NDArray[np.float32], generator: torch.Generator | None
    ) -> NDArray[np.float32]:
        device = self._device
        with device.memory(), torch.inference_mode():
            posterior = self._vae.encode(device.put(batch)).latent_dist
            drawn = posterior.mode() if generator is None else posterior.sample(generator)
            return device.fetch(drawn * self._scale)

    def paint(self, latents: Latents, audio: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Faces with another mouth.

        Args:
            latents: of N faces, see `encode`.
            audio: `(N, 50, 384)` of the audio encoder `whisper`.

        Returns:
            `(N, 256, 256, 3)` RGB.

        Raises:
            OutOfMemory: N faces do not fit.
        """
        return pictures.faces_of(self.decode(self.predict(latents, audio)))

    def predict(self, latents: Latents, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """`(N, 4, H/8, W/8)`: latents of the new faces."""
        device = self._device
        heard = device.put(positions.added(audio))
        with device.memory(), torch.inference_mode():
            made = self._unet(device.put(latents), self._zero, encoder_hidden_states=heard)
            return device.fetch(made.sample)

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """`(N, 3, H, W)` RGB in about -1..1 from `(N, 4, H/8, W/8)`."""
        device = self._device
        with device.memory(), torch.inference_mode():
            return device.fetch(
                self._vae.decode(device.put(latents / np.float32(self._scale))).sample
            )

    def close(self) -> None:
        """Let go of the networks."""
        del self._unet, self._vae
        self._device.release()
