"""UNet and autoencoder on a device: faces and features in, faces with another mouth out, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lipsync_core.errors import PluginUnavailable
from lipsync_musetalk import pictures, positions
from lipsync_musetalk.diffusion import load_unet, load_vae
from lipsync_musetalk.torch_memory import memory_errors

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Latents = NDArray[np.float32]
    """`(N, 8, H/8, W/8)`: of the face with its lower half hidden, then of the whole face."""

TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
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
        self._device = torch.device(device)
        if self._device.type == "cuda" and not torch.cuda.is_available():
            raise PluginUnavailable(
                "MuseTalk cannot run: the torch that is installed here cannot use the GPU.",
                "Install a torch with CUDA, or choose --device cpu.",
            )
        torch.set_num_threads(threads)
        self._type = TYPES[precision]
        # Half precision is fast with channels last; in fp32 on a CPU that moves latents by a thousandth of
        # their spread, and contiguous planes by a millionth, so there exactness is preferred.
        self._format = (
            torch.contiguous_format if self._type is torch.float32 else torch.channels_last
        )
        with memory_errors("MuseTalk"):
            self._vae = self._ready(load_vae(files.vae_config, files.vae))
            self._unet = self._ready(load_unet(files.unet_config, files.unet))
        self._scale = float(getattr(self._vae.config, "scaling_factor", None) or _SCALE)
        self._zero = torch.zeros(1, dtype=torch.int64, device=self._device)

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
        with memory_errors("MuseTalk"), torch.inference_mode():
            posterior = self._vae.encode(self._put(batch)).latent_dist
            drawn = posterior.mode() if generator is None else posterior.sample(generator)
            return _array(drawn * self._scale)

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
        heard = torch.from_numpy(positions.added(audio)).to(self._device, self._type)
        with memory_errors("MuseTalk"), torch.inference_mode():
            made = self._unet(self._put(latents), self._zero, encoder_hidden_states=heard)
            return _array(made.sample)

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """`(N, 3, H, W)` RGB in about -1..1 from `(N, 4, H/8, W/8)`."""
        with memory_errors("MuseTalk"), torch.inference_mode():
            return _array(self._vae.decode(self._put(latents / np.float32(self._scale))).sample)

    def close(self) -> None:
        """Let go of the networks; torch would keep a GPU's memory for itself."""
        del self._unet, self._vae
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _ready(self, network: Any) -> Any:  # noqa: ANN401 - diffusers' classes are not typed
        # Their own `to` warns of numbers that should stay in fp32, of which these networks have none.
        placed = torch.nn.Module.to(network, device=self._device, dtype=self._type)
        return torch.nn.Module.to(placed, memory_format=self._format)  # type: ignore[call-overload] # stubs

    def _put(self, array: NDArray[np.float32]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(
            device=self._device, dtype=self._type, memory_format=self._format
        )


def _array(tensor: torch.Tensor) -> NDArray[np.float32]:
    made: NDArray[np.float32] = tensor.float().contiguous().cpu().numpy()
    return made
