"""The UNet gives what the original's gives; files of other models are named."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from lipsync_latentsync import loading
from lipsync_latentsync.unet import LatentSyncUNet, Shape

from lipsync_core.errors import PluginUnavailable
from lipsync_core.testing import recipe

PUBLISHED = "8b72f73bd65ef7089edd9639c720ba809b445669881565f64fe3699d5ddb2671"
"""SHA-256 of the published file's names and shapes, sorted, a line each."""


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def small(small_unet: Path) -> LatentSyncUNet:
    return loading.load_unet(small_unet)


def given(name: str, *shape: int) -> torch.Tensor:
    return torch.from_numpy(recipe.normal(name, shape))


@pytest.mark.slow
def test_the_unet_is_the_originals_in_full_size(parity, full_unet: LatentSyncUNet):
    """1.27 billion numbers: 5 GB and about a minute."""
    network, hooks = full_unet, []
    stages = {name: name for name in ("time_embedding", "conv_in", "mid_block")}
    stages["down_blocks.0.motion_modules.0"] = "down_blocks.0.motion_modules.0"
    stages |= {f"{way}_blocks.{n}": f"{way}_blocks.{n}" for way in ("down", "up") for n in range(4)}
    stages["up_blocks.3"] = "up_blocks.3.motion_modules.2"  # its last layer is called by itself
    seen: dict[str, torch.Tensor] = {}
    for stage, module in stages.items():

        def keep(module, given, made, stage: str = stage) -> None:
            seen.setdefault(stage, made[0] if isinstance(made, tuple) else made)

        hooks.append(network.get_submodule(module).register_forward_hook(keep))
    with torch.inference_mode():
        a = network(given("ls_x", 2, 13, 5, 16, 16), 601, given("ls_a", 10, 50, 384))
        b = network(given("ls_x16", 1, 13, 16, 8, 8), 1, given("ls_a16", 16, 50, 384))
    for hook in hooks:
        hook.remove()
    for stage, made in seen.items():
        if stage == "time_embedding":  # computed once here, for all of the batch alike
            stored = made.expand(2, -1)
        else:
            stored = made.unflatten(0, (2, 5)).transpose(1, 2)
        parity.check("latentsync_unet", f"tap__{stage}", stored.numpy())
    parity.check("latentsync_unet", "pred_a", a.numpy())
    parity.check("latentsync_unet", "pred_b", b.numpy())


def test_names_and_shapes_are_those_of_the_published_file():
    with torch.device("meta"):
        network = LatentSyncUNet(Shape())
    own = sorted(f"{name} {list(entry.shape)}" for name, entry in network.state_dict().items())
    assert len(own) == 1246
    assert sum(entry.numel() for entry in network.state_dict().values()) == 1_267_944_644
    assert hashlib.sha256("\n".join(own).encode()).hexdigest() == PUBLISHED


def test_frames_of_a_chunk_belong_together(small: LatentSyncUNet):
    """Norms and attention see all frames: a frame comes out otherwise with other neighbours."""
    latents, audio = given("x", 1, 13, 4, 8, 8), given("a", 4, 50, 384)
    with torch.inference_mode():
        whole = small(latents, 601, audio)
        part = small(latents[:, :, :2], 601, audio[:2])
        assert whole.shape == (1, 4, 4, 8, 8)
        assert (whole[:, :, :2] - part).abs().max() > 0.01
        # Two chunks in a batch do not know each other.
        other = given("y", 1, 13, 4, 8, 8)
        both = small(torch.cat([latents, other]), 601, audio.repeat(2, 1, 1))
        assert torch.allclose(both[:1], whole, atol=1e-4)
        # Step and sound matter.
        assert (small(latents, 1, audio) - whole).abs().max() > 0.01
        assert (small(latents, 601, audio.flip(0)) - whole).abs().max() > 0.001


def test_the_order_of_frames_matters(small: LatentSyncUNet):
    """Each frame knows its place in the chunk, by the table of positions."""
    latents, audio = given("x", 1, 13, 4, 8, 8), given("a", 1, 50, 384).expand(4, -1, -1)
    with torch.inference_mode():
        forward = small(latents, 601, audio)
        backward = small(latents.flip(2), 601, audio).flip(2)
    assert (forward - backward).abs().max() > 0.001


def test_quick_steps_are_the_last_layer_on_what_was_kept(small: LatentSyncUNet):
    latents, audio = given("x", 1, 13, 3, 8, 8), given("a", 3, 50, 384)
    ran: list[str] = []
    hooks = [
        module.register_forward_hook(lambda module, given, made, name=name: ran.append(name))
        for name, module in small.named_modules()
        if name.endswith(("resnets.0", "resnets.1", "resnets.2"))
    ]
    with torch.inference_mode():
        full, deep = small.quick(latents, 601, audio, None)
        assert len(ran) == 8 + 2 + 12
        ran.clear()
        again, same = small.quick(latents, 601, audio, deep)
        assert ran == ["up_blocks.3.resnets.2"]
        assert same is deep
        assert torch.equal(again, full)
        other, _ = small.quick(given("y", 1, 13, 3, 8, 8), 551, audio, deep)
        assert not torch.equal(other, full)
    for hook in hooks:
        hook.remove()


def test_half_precision_files_stay_half_until_they_are_used(small_unet: Path, tmp_path: Path):
    tensors = {k: v.half() for k, v in torch.load(small_unet)["state_dict"].items()}
    torch.save({"state_dict": tensors}, tmp_path / "latentsync_unet.pt")
    made = loading.load_unet(tmp_path / "latentsync_unet.pt")
    assert made.conv_in.weight.dtype == torch.float16


Tensors = dict[str, torch.Tensor]


def without(part: str) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {k: v for k, v in tensors.items() if part not in k}


def narrower(name: str, size: int) -> Callable[[Tensors], Tensors]:
    """With another number of channels in a layer that the file's kind is told by."""
    return lambda tensors: {
        k: torch.zeros(v.shape[0], size, *v.shape[2:]) if k.endswith(name) else v
        for k, v in tensors.items()
    }


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (without("motion_modules"), "it has no motion modules, as LatentSync 1.0 has none"),
        (without("motion_modules.1"), r"of another network: 224 missing .*motion_modules\.1"),
        (without("up_blocks.2"), "of another network: .* missing"),
        (narrower("conv_in.weight", 9), "its UNet takes 9 channels, LatentSync's takes 13"),
        (narrower("attn2.to_k.weight", 768), "features of 768 numbers, Whisper tiny's have 384"),
        (without("conv_in"), "none of the layers that LatentSync's UNet begins with"),
        (lambda tensors: {**tensors, "more": torch.zeros(1)}, r"1 not wanted \(more\)"),
    ],
)
def test_other_files_are_named(small_unet: Path, tmp_path: Path, change, told: str):
    path = tmp_path / "latentsync_unet.pt"
    torch.save({"state_dict": change(torch.load(small_unet)["state_dict"])}, path)
    with pytest.raises(PluginUnavailable, match=told) as error:
        loading.load_unet(path)
    assert str(path) in error.value.message
    assert "lipsync weights" in error.value.hint
