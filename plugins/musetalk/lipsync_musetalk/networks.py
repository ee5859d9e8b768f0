"""UNet and autoencoder on a device: faces and features in, faces with another mouth out, as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from lipsync_core.networks.autoencoder import quietly
from lipsync_core.networks.compiling import compiled
from lipsync_core.networks.device import NetworkDevice
from lipsync_core.networks.upsampling import quick_doubling
from lipsync_musetalk import pictures, positions
from lipsync_musetalk.diffusion import load_unet, load_vae

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_musetalk.availability import Files

    Latents = NDArray[np.float32]
    """`(N, 8, H/8, W/8)`: of the face with its lower half hidden, then of the whole face."""

_SCALE = 0.18215
"""Of Stable Diffusion's latents, for autoencoders whose configuration does not say."""
_FRAME_BYTES = 400 * 2**20
"""A cautious bound of what one frame needs on a GPU in half precision: the decoder's largest layers hold 256
channels of 256x256 numbers, 34 MB each, several at once."""
_CPU_BATCH = 4
"""Frames at a time on a CPU; in bf16 the UNet took 0.34 s a frame with 4 at a time and 0.67 s with 1."""


class LatentNetworks:
    """One step at t = 0: no noise, no schedule.

    Args:
        files: what to load.
        device: "cpu", "cuda", "cuda:1".
        precision: "fp32", "bf16" or "fp16".
        threads: CPU threads.
        compile: UNet and decoder are compiled.

    Attributes:
        batch: frames to compute at a time.
        device: where they run.

    Raises:
        PluginUnavailable: a file is damaged or another network's, or this torch cannot use the device.
        OutOfMemory: they do not fit.
    """

    def __init__(
        self, files: Files, device: str, precision: str, threads: int, *, compile: bool = False
    ) -> None:
        # In fp32 exactness is preferred, see `NetworkDevice`; half precision is fast with channels last only.
        last = precision != "fp32"
        self.device = NetworkDevice(device, "MuseTalk", threads, precision, channels_last=last)
        with quietly():
            vae = load_vae(files.vae_config, files.vae)
            unet = load_unet(files.unet_config, files.unet)
            if self.device.torch.type == "cpu":  # where it was measured
                quick_doubling(vae.decoder)
            self._vae, self._unet = self.device.place(vae), self.device.place(unet)
        self._predicted = compiled(self._unet, "MuseTalk") if compile else self._unet
        self._decoded = compiled(self._vae.decode, "MuseTalk") if compile else self._vae.decode
        self._scale = float(getattr(self._vae.config, "scaling_factor", None) or _SCALE)
        self.batch = self.device.fitting(_FRAME_BYTES, on_cpu=_CPU_BATCH)
        # On CPUs other kernels are taken for batches of other sizes, and in half precision they round visibly
        # apart: a frame would depend on how many are painted with it.
        half_on_cpu = precision != "fp32" and self.device.torch.type == "cpu"
        self._filled_up_to = self.batch if half_on_cpu else 0
        self._zero = torch.zeros(1, dtype=torch.int64, device=self.device.torch)

    def encode(self, faces: NDArray[np.uint8], seed: int | None = None) -> Latents:
        """Latents of faces, which depend on the target alone.

        Args:
            faces: `(N, 256, 256, 3)` RGB.
            seed: for a draw from the posterior, which the original makes without one; None takes its mode.

        Raises:
            OutOfMemory: N faces do not fit.
        """
        whole = pictures.normalised(faces)
        halves = [
            self._latents(batch, seed) for batch in (pictures.lower_half_hidden(whole), whole)
        ]
        return np.concatenate(halves, axis=1)

    def _latents(self, batch: NDArray[np.float32], seed: int | None) -> NDArray[np.float32]:
        device = self.device
        with device.memory(), torch.inference_mode():
            posterior = self._vae.encode(device.put(batch)).latent_dist
            drawn = posterior.mode()
            if seed is not None:  # on the CPU, so that every device draws the same
                random = torch.Generator().manual_seed(seed % 2**63)
                noise = torch.randn(drawn.shape, generator=random)
                drawn = drawn + posterior.std * noise.to(drawn)
            return device.fetch(drawn * self._scale)

    def paint(self, latents: Latents, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """Faces with another mouth.

        Args:
            latents: of N faces, see `encode`.
            audio: `(N, 50, 384)` of the audio encoder `whisper`.

        Returns:
            `(N, 3, 256, 256)` RGB in about -1..1, see `pictures.faces_of`.

        Raises:
            OutOfMemory: N faces do not fit.
        """
        missing = self._filled_up_to - len(latents)
        if missing <= 0:
            return self.decode(self.predict(latents, audio))
        more = [np.concatenate([a, np.repeat(a[-1:], missing, 0)]) for a in (latents, audio)]
        return self.decode(self.predict(*more))[: len(latents)]

    def predict(self, latents: Latents, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """`(N, 4, H/8, W/8)`: latents of the new faces."""
        device = self.device
        heard = device.put(positions.added(audio))
        with device.memory(), torch.inference_mode():
            made = self._predicted(device.put(latents), self._zero, encoder_hidden_states=heard)
            return device.fetch(made.sample)

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """`(N, 3, H, W)` RGB in about -1..1 from `(N, 4, H/8, W/8)`."""
        device = self.device
        with device.memory(), torch.inference_mode():
            return device.fetch(self._decoded(device.put(latents / np.float32(self._scale))).sample)

    def close(self) -> None:
        """Release the networks."""
        del self._unet, self._vae, self._predicted, self._decoded
        self.device.release()
