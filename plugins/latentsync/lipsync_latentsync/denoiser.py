"""LatentSync's UNet on a device: from noise that is the same for all frames to latents of new faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from lipsync_core.networks.compiling import compiled
from lipsync_latentsync.loading import load_unet
from lipsync_latentsync.sampling import guided, noise, walk
from lipsync_latentsync.unet import OUT_CHANNELS

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from lipsync_core.networks.device import NetworkDevice
    from lipsync_latentsync.latents import Latents

    Known = NDArray[np.float32]
    """`(N, 9, h, w)`: the mask, latents of the face with its mouth hidden, latents of the whole face."""

WHOLE = slice(5, 9)
"""Of the channels of what is known, those of the whole face."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the faces are painted.

    Attributes:
        steps: of the walk from noise.
        guidance: how far to go away from the picture without sound; up to 1 it is not computed.
        reuse: the deep layers run in every N-th step only and are reused in between; 1: in every step.
        seed: of the noise.
    """

    steps: int = 20
    guidance: float = 1.5
    reuse: int = 1
    seed: int = 0


class Denoiser:
    """The UNet.

    Args:
        path: `latentsync_unet.pt`.
        device: where it runs.
        compile: its passes are compiled by torch: slow at first, then faster on a GPU.

    Raises:
        PluginUnavailable: the file is damaged or another network's.
        OutOfMemory: it does not fit.
    """

    def __init__(self, path: Path, device: NetworkDevice, *, compile: bool = False) -> None:
        self._device = device
        self._unet = device.place(load_unet(path))
        self._compiled = compiled(self._unet.quick, "LatentSync") if compile else None

    def denoised(self, known: Known, audio: NDArray[np.float32], settings: Settings) -> Latents:
        """Latents of new faces.

        Args:
            known: of the N frames of a chunk, at most 24.
            audio: `(N, 50, 384)` of the audio encoder `whisper-latentsync`.
            settings: how.

        Raises:
            OutOfMemory: the chunk does not fit.
        """
        device, frames = self._device, len(known)
        fixed = device.put(known.swapaxes(0, 1)[None])
        heard = device.put(audio)
        twice = settings.guidance > 1
        if twice:
            fixed = torch.cat([fixed, fixed])
            heard = torch.cat([torch.zeros_like(heard), heard])
        quick = self._compiled or self._unet.quick
        deep: torch.Tensor | None = None

        def predict(noisy: torch.Tensor, timestep: int, n: int) -> torch.Tensor:
            nonlocal deep
            now = noisy.to(fixed.dtype).expand(len(fixed), -1, -1, -1, -1)
            fresh = n % settings.reuse == 0
            told, deep = quick(torch.cat([now, fixed], 1), timestep, heard, None if fresh else deep)
            return guided(told.float(), settings.guidance) if twice else told

        height, width = known.shape[2:]
        start = noise(OUT_CHANNELS, height, width, settings.seed).to(device.torch)
        with device.memory(), torch.inference_mode():
            made = walk(start.expand(-1, -1, frames, -1, -1), settings.steps, predict)
            return device.fetch(made[0].transpose(0, 1))

    def close(self) -> None:
        """Release the network."""
        del self._unet, self._compiled
