"""The networks: names and shapes of the published state dicts, and the originals' numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from lipsync_synctalk2d.layouts import Layout, Sound, layout_of, named
from lipsync_synctalk2d.loading import audio_network, face_network
from lipsync_synctalk2d.network import FaceNetwork

from lipsync_core.errors import PluginUnavailable
from lipsync_core.testing import recipe

SHAPES: dict[Sound, tuple[int, int, int]] = {
    "ave": (32, 16, 16),
    "hubert": (32, 32, 32),
    "wenet": (256, 16, 32),
}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("sound", ["ave", "hubert", "wenet"])
@pytest.mark.parametrize("side, size", [(320, 328), (160, 160)])
def test_synctalk2d_gives_the_originals_numbers_stage_by_stage(
    parity, fill, side: Literal[320, 160], size: int, sound: Sound
):
    golden = f"synctalk2d_unet_{size}_{sound}"
    layout = Layout(side=side, sound=sound, shape=SHAPES[sound], project="SyncTalk_2D")
    network = FaceNetwork(layout).eval()
    network.load_state_dict(fill(network, golden), strict=True)
    taps: dict[str, np.ndarray] = {}
    levels = 5 if side == 320 else 4
    names = ["inc", "audio_model", "fuse_conv"]
    names += [f"{way}{k + 1}" for way in ("down", "up") for k in range(levels)]
    for name in names:
        network.get_submodule(name).register_forward_hook(
            lambda module, given, made, name=name: taps.update({name: made.numpy().copy()})
        )
    pictures = recipe.uniform(f"st_img{size}", (2, 6, side, side))
    features = recipe.normal(f"st_aud_{sound}", (2, *layout.shape))
    with torch.inference_mode():
        made = network(torch.from_numpy(pictures), torch.from_numpy(features)).numpy()
    parity.check(golden, "pred", made)
    assert len(taps) == len(names)
    for name, tap in taps.items():
        parity.check(golden, f"tap__{name}", tap)


@pytest.mark.parametrize("sound, shape", [("hubert", (16, 32, 32)), ("wenet", (128, 16, 32))])
def test_ultralights_checkpoints_load_and_give_its_numbers(
    parity, fill, tmp_path: Path, sound: Sound, shape: tuple[int, int, int]
):
    golden = f"ultralight_unet_160_{sound}"
    layout = Layout(side=160, sound=sound, shape=shape, project="Ultralight")
    path = tmp_path / "last.pth"
    tensors = fill(FaceNetwork(layout), golden)
    assert "inc.inconv.conv.0.weight" in tensors
    torch.save({"epoch": 7, "model": tensors, "optimizer": {"state": {}}}, path)
    network, found = face_network(path)
    assert found == layout
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules())
    pictures = recipe.uniform("ul_img", (1, 6, 160, 160))
    features = recipe.normal(f"ul_aud_{sound}", (1, *shape))
    with torch.inference_mode():
        made = network(torch.from_numpy(pictures), torch.from_numpy(features)).numpy()
    parity.check(golden, "pred", made)


@pytest.mark.parametrize("size", [328, 160])
def test_a_persons_checkpoint_tells_what_it_is_and_folding_only_rounds(parity, persons, size: int):
    network, layout = face_network(persons[size])
    side = 320 if size == 328 else 160
    assert (layout.side, layout.sound, layout.project) == (side, "ave", "SyncTalk_2D")
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules())
    pictures = recipe.uniform(f"st_img{size}", (2, 6, side, side))
    with torch.inference_mode():
        made = network(
            torch.from_numpy(pictures),
            torch.from_numpy(recipe.normal("st_aud_ave", (2, 32, 16, 16))),
        ).numpy()
    parity.check(f"synctalk2d_unet_{size}_ave", "pred", made)


def test_hubert_networks_have_the_tensors_of_those_for_ave_and_must_be_named(persons):
    network, layout = face_network(persons[160], hubert=True)
    assert (layout.sound, layout.shape) == ("hubert", (32, 32, 32))
    with torch.inference_mode():
        made = network(torch.zeros(1, 6, 160, 160), torch.zeros(1, 32, 32, 32))
    assert made.shape == (1, 3, 160, 160)


def test_other_files_are_refused_by_name(ave: Path, persons, tmp_path: Path):
    with pytest.raises(PluginUnavailable) as error:
        face_network(ave)
    assert "audio_visual_encoder.pth is not a person's network" in error.value.message
    with pytest.raises(PluginUnavailable) as error:
        audio_network(persons[160])
    assert "160.pth is of another network" in error.value.message
    cut = tmp_path / "cut.pth"
    cut.write_bytes(persons[160].read_bytes()[:1_000_000])
    with pytest.raises(PluginUnavailable) as error:
        face_network(cut)
    assert "cut.pth" in error.value.message


def test_a_checkpoint_that_lacks_a_layer_is_refused(persons, tmp_path: Path):
    tensors = torch.load(persons[160], weights_only=True)
    del tensors["up3.conv.double_conv.0.conv.0.weight"]
    torch.save(tensors, tmp_path / "less.pth")
    with pytest.raises(PluginUnavailable) as error:
        face_network(tmp_path / "less.pth")
    assert "1 missing (up3.conv.double_conv.0.conv.0.weight)" in error.value.message


def test_the_ave_encoder_loads_with_and_without_its_prefix(ave: Path, tmp_path: Path):
    window = torch.from_numpy(recipe.normal("window", (3, 1, 80, 16)))
    plain = audio_network(ave)
    prefixed = tmp_path / "prefixed.pth"
    tensors = torch.load(ave, weights_only=True)
    torch.save({f"audio_encoder.{name}": t for name, t in tensors.items()}, prefixed)
    with torch.inference_mode():
        rows = plain(window)
        assert rows.shape == (3, 512, 1, 1)
        assert torch.equal(audio_network(prefixed)(window), rows)


def test_layouts_of_what_is_none():
    assert layout_of({}) is None
    assert layout_of({"audio_model.conv1.conv.0.weight": (64, 32, 1, 1)}) is None
    odd = {"audio_model.conv1.conv.0.weight": (14, 7, 1, 1), "outc.conv.weight": (3, 32, 1, 1)}
    assert layout_of(odd) is None


def test_names_of_synctalk2d_stay():
    kept = ["inc.inconv.0.conv.0.weight", "down1.maxpool_conv.0.double_conv.1.conv.7.bias"]
    assert list(named(dict.fromkeys(kept))) == kept
