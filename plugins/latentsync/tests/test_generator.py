"""The generators, with narrow networks of the published architecture: what they give, keep and survive."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from lipsync_latentsync import mask
from lipsync_latentsync.denoiser import Settings
from lipsync_latentsync.generator import LATENTS, LatentSync, LatentSync15
from lipsync_latentsync.networks import LatentSyncNetworks
from lipsync_latentsync.spec import LATENTSYNC, LATENTSYNC15

from lipsync_core.conformance import inputs
from lipsync_core.errors import GenerationFailed, OutOfMemory, PluginFault
from lipsync_core.records import Chunk, Crops
from lipsync_core.registry.probing import context_for
from lipsync_core.testing import recipe

FRAMES = 2


@pytest.fixture
def weights(home) -> None:
    home("latentsync15")


@pytest.fixture(scope="module")
def crops() -> Crops:
    return inputs.crops(LATENTSYNC15.crop, FRAMES)


def opened(seed: int = 0, **options: object) -> LatentSync15:
    generator = LatentSync15()
    words = {"steps": "2", "guidance": "1"} | {k: str(v) for k, v in options.items()}
    generator.open(context_for(LATENTSYNC15, precision="fp32", options=words, seed=seed, threads=1))
    return generator


def chunk(crops: Crops, prepared=None, rows: str = "rows") -> Chunk:
    return inputs.chunk(crops, recipe.normal(rows, (len(crops), 50, 384)), prepared)


def networks_of(generator: LatentSync) -> LatentSyncNetworks:
    return generator._opened()[0]


def test_only_the_painted_part_changes_and_it_follows_the_sound(weights, crops: Crops):
    generator = opened()
    made = generator.generate(chunk(crops))
    assert made.shape == (FRAMES, 280, 210, 3)
    share = mask.painted(210, 280)[..., 0]
    assert np.array_equal(made[:, share == 0], crops.images[:, share == 0])
    assert np.abs(made.astype(int) - crops.images)[:, share == 1].mean() > 10
    other = generator.generate(chunk(crops, rows="other"))
    assert np.abs(made.astype(int) - other)[:, share == 1].max() > 8
    generator.close()
    with pytest.raises(PluginFault, match="latentsync15 was used before it was opened"):
        generator.generate(chunk(crops))


def test_runs_repeat_by_their_seed(weights, crops: Crops):
    first, same, other = (opened(seed).generate(chunk(crops)) for seed in (1, 1, 2))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_what_was_prepared_is_not_made_again(weights, crops: Crops, monkeypatch):
    generator = opened()
    prepared = generator.prepare(crops)
    assert prepared[LATENTS].shape == (FRAMES, 8, 32, 32)
    again = generator.generate(chunk(crops))  # prepares itself
    monkeypatch.setattr(networks_of(generator), "encode", None)
    assert np.array_equal(generator.generate(chunk(crops, prepared)), again)


def test_what_is_hidden_is_not_seen_through_the_masked_latents(weights, crops: Crops):
    networks = networks_of(opened())
    faces = crops.images[:1].copy()
    latents = networks.encode(faces)
    faces[:, 200:240, 80:130] = 0  # the mouth
    other = networks.encode(faces)
    assert np.array_equal(latents[:, :4], other[:, :4])
    assert not np.array_equal(latents[:, 4:], other[:, 4:])


class Counted:
    """A UNet that counts its passes, how many chunks went through at once, and how often all of it ran."""

    def __init__(self, unet) -> None:
        self._unet = unet
        self.batches: list[int] = []
        self.whole: list[bool] = []

    def quick(self, latents, timestep, audio, deep):
        self.batches.append(len(latents))
        self.whole.append(deep is None)
        return self._unet.quick(latents, timestep, audio, deep)


@pytest.mark.parametrize(
    ("settings", "batches", "whole"),
    [
        (Settings(steps=4, guidance=1.0), [1] * 4, [True] * 4),
        (Settings(steps=3, guidance=1.5), [2] * 3, [True] * 3),
        (Settings(steps=5, guidance=0.0, reuse=3), [1] * 5, [True, False, False, True, False]),
    ],
)
def test_steps_guidance_and_reuse(weights, crops: Crops, settings, batches, whole):
    networks = networks_of(opened())
    counted = Counted(networks.denoiser._unet)
    networks.denoiser._unet = counted
    latents, rows = networks.encode(crops.images), recipe.normal("rows", (FRAMES, 50, 384))
    made = networks.denoised(latents, rows, settings)
    assert made.shape == (FRAMES, 4, 32, 32)
    assert (counted.batches, counted.whole) == (batches, whole)


def test_guidance_is_from_silence_to_sound(weights, crops: Crops):
    """With one step the result is linear in the guidance."""
    networks = networks_of(opened())
    latents, rows = networks.encode(crops.images), recipe.normal("rows", (FRAMES, 50, 384))

    def made(guidance: float, heard: np.ndarray = rows) -> np.ndarray:
        return networks.denoised(latents, heard, Settings(steps=1, guidance=guidance))

    silent, plain, far = made(1.0, np.zeros_like(rows)), made(1.0), made(3.0)
    spread = float(np.abs(plain - silent).max())
    assert spread > 1e-3
    assert np.abs(far - (silent + 3 * (plain - silent))).max() < 0.02 * spread


def test_reuse_changes_little_and_saves_much(weights, crops: Crops):
    networks = networks_of(opened())
    latents, rows = networks.encode(crops.images), recipe.normal("rows", (FRAMES, 50, 384))
    whole, quick = (
        networks.denoised(latents, rows, Settings(steps=6, guidance=1.0, reuse=reuse))
        for reuse in (1, 3)
    )
    assert 0 < np.abs(whole - quick).mean() < whole.std()


def test_bf16_paints_nearly_the_same(weights, crops: Crops):
    pictured = []
    for precision in ("fp32", "bf16"):
        generator = LatentSync15()
        options = {"steps": "2", "guidance": "1"}
        generator.open(context_for(LATENTSYNC15, precision=precision, options=options, threads=1))
        pictured.append(generator.generate(chunk(crops)).astype(int))
    assert 0 < np.abs(pictured[0] - pictured[1]).mean() < 4


def test_features_of_another_encoder_are_told(weights, crops: Crops):
    rows = np.zeros((FRAMES, 80, 16), np.float32)
    with pytest.raises(PluginFault, match=r"wants \(50, 384\) features a frame, got \(80, 16\)"):
        opened().generate(inputs.chunk(crops, rows))


def test_pictures_that_are_no_numbers_are_told(weights, crops: Crops, monkeypatch):
    generator = opened()
    broken = np.full((FRAMES, 3, 256, 256), np.nan, np.float32)
    monkeypatch.setattr(networks_of(generator), "paint", lambda *given: broken)
    with pytest.raises(GenerationFailed, match="no numbers"):
        generator.generate(chunk(crops))


def test_a_black_mouth_is_told_unless_it_is_night(weights, crops: Crops, monkeypatch):
    """In its crop it would be a part of a picture that is not black."""
    generator = opened()
    black = np.full((FRAMES, 3, 256, 256), -1.0, np.float32)
    monkeypatch.setattr(networks_of(generator), "paint", lambda *given: black)
    with pytest.raises(GenerationFailed, match="LatentSync gave black pictures"):
        generator.generate(chunk(crops))
    night = replace(crops, images=crops.images // 32)
    assert generator.generate(chunk(night)).mean() < 8


def test_compat_gives_the_whole_face_softened(weights, crops: Crops):
    plain, compat = (opened(compat=c).generate(chunk(crops)).astype(int) for c in (False, True))
    share = mask.painted(210, 280)[..., 0]
    kept = np.abs(compat - crops.images)[:, share == 0]
    assert 0 < kept.mean() < 4
    assert np.abs(compat - plain)[:, share == 1].mean() < 6


@pytest.mark.parametrize("memory", ["sliced", "tiled"])
def test_the_autoencoder_gives_the_same_in_less_memory(weights, crops: Crops, memory: str):
    """One picture at a time; tiles blend where they meet, and see less around them."""
    plain, small = networks_of(opened()), networks_of(opened(vae=memory))
    seen: list[tuple[int, ...]] = []
    decoder = small.autoencoder._vae.decoder
    decoder.register_forward_hook(lambda module, given, made: seen.append(tuple(given[0].shape)))
    latents = plain.encode(crops.images)[:, 4:]
    whole, made = plain.autoencoder.decode(latents), small.autoencoder.decode(latents)
    assert whole.shape == made.shape == (FRAMES, 3, 256, 256)
    assert {shape[0] for shape in seen} == {1}
    assert max(shape[2] for shape in seen) == (16 if memory == "tiled" else 32)
    apart = np.abs(whole - made)
    if memory == "sliced":
        assert apart.max() < 1e-3 * whole.std()
    else:  # with random numbers, whose norms see the tile alone
        assert apart.mean() > 0
        assert np.corrcoef(whole.ravel(), made.ravel())[0, 1] > 0.7


def test_running_out_of_memory_is_told_as_such(weights, crops: Crops, monkeypatch):
    generator = opened()

    def fail(*given: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(networks_of(generator).denoiser._unet, "quick", fail)
    with pytest.raises(OutOfMemory, match="LatentSync ran out of GPU memory"):
        generator.generate(chunk(crops))


def test_both_versions_have_their_size():
    assert (LatentSync.side, LatentSync15.side) == (512, 256)
    assert (LatentSync.spec, LatentSync15.spec) == (LATENTSYNC, LATENTSYNC15)
