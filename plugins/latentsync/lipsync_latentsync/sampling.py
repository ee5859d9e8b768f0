"""From noise to latents: the schedule that LatentSync was trained with, and the walk along it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

# From the module itself: the package's face would look for transformers and more.
from diffusers.schedulers.scheduling_ddim import DDIMScheduler  # type: ignore[import-not-found,unused-ignore]

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Predict = Callable[[Tensor, int, int], Tensor]
    """Latents, timestep and number of the step, from 0 -> the noise in the latents."""

TRAINED = 1000
"""Steps of the schedule in training; a run takes some of them, evenly spaced."""


def schedule(steps: int) -> DDIMScheduler:
    """DDIM (Song et al. 2021) without fresh noise, as upstream's configuration has it; for 1 to 999 steps."""
    made: DDIMScheduler = DDIMScheduler(
        num_train_timesteps=TRAINED,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )
    made.set_timesteps(steps)
    return made


def walk(latents: Tensor, steps: int, predict: Predict) -> Tensor:
    """Latents without noise.

    Args:
        latents: noise of standard deviation 1, any shape.
        steps: how many.
        predict: says the noise.
    """
    made = schedule(steps)
    for n, timestep in enumerate(made.timesteps.tolist()):
        noise = predict(latents, timestep, n)
        # In fp32: rounding adds up over the steps.
        stepped = made.step(noise.float(), timestep, latents.float(), return_dict=False)
        latents = stepped[0]
    return latents


def noise(channels: int, height: int, width: int, seed: int) -> Tensor:
    """`(1, C, 1, H, W)`: noise of standard deviation 1, which all frames of a video begin with.

    Drawn on the CPU, so that every device begins with the same.
    """
    random = torch.Generator().manual_seed(seed % 2**63)
    return torch.randn((1, channels, 1, height, width), generator=random)


def guided(both: Tensor, guidance: float) -> Tensor:
    """`(2, ...)` noise without and with sound -> `(1, ...)`, away from silence (Ho and Salimans 2022)."""
    silent, heard = both.chunk(2)
    return silent + guidance * (heard - silent)
