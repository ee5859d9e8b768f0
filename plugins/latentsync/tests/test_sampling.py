"""The schedule is the one of the training; runs follow the seed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lipsync_latentsync import sampling

from lipsync_core.testing import recipe


@pytest.mark.parametrize("steps", [10, 20, 25, 50])
def test_the_walk_is_the_originals(parity, steps: int):
    name = "latentsync_scheduler"
    made = sampling.schedule(steps)
    parity.check(name, "alphas_cumprod", made.alphas_cumprod.numpy())
    parity.check(name, f"timesteps_{steps}", made.timesteps.numpy())
    start = torch.from_numpy(recipe.normal("ddim_x", (1, 4, 2, 4, 4)))
    seen = []

    def predict(x: torch.Tensor, timestep: int, n: int) -> torch.Tensor:
        seen.append((timestep, n))
        return 0.3 * x + 0.001 * timestep * torch.ones_like(x)

    parity.check(name, f"x_{steps}", sampling.walk(start, steps, predict).numpy())
    assert seen == list(zip(made.timesteps.tolist(), range(steps), strict=True))


def test_a_walk_with_the_true_noise_ends_at_the_picture():
    """Noise that is known exactly is taken away exactly, but for the little that step 1 leaves."""
    picture, noise = (torch.from_numpy(recipe.normal(n, (1, 4, 2, 8, 8))) for n in "pn")
    made = sampling.schedule(20)
    share = made.alphas_cumprod[made.timesteps[0]]
    start = share**0.5 * picture + (1 - share) ** 0.5 * noise
    found = sampling.walk(start, 20, lambda x, timestep, n: noise)
    assert torch.allclose(found, picture, atol=0.15)
    assert np.abs((found - picture).numpy()).mean() < 0.05


def test_half_precision_is_added_up_in_full():
    start = torch.from_numpy(recipe.normal("x", (1, 4, 2, 4, 4)))
    made = sampling.walk(start.bfloat16(), 20, lambda x, timestep, n: x.bfloat16() * 0)
    assert made.dtype == torch.float32


def test_noise_follows_its_seed():
    made = [sampling.noise(4, 8, 8, seed) for seed in (3, 3, 4, -1)]
    assert made[0].shape == (1, 4, 1, 8, 8)
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])
    assert torch.isfinite(made[3]).all()


def test_guidance_leads_away_from_silence():
    both = torch.tensor([[1.0], [3.0]])
    assert sampling.guided(both, 1.0).tolist() == [[3.0]]
    assert sampling.guided(both, 1.5).tolist() == [[4.0]]
