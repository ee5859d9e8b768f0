"""Checkpoints in the published layouts with recipe numbers, golden files, and homes of their own.

The golden files in `data` hold what the original implementations gave with the recipe's numbers (`meta` in
each says what ran). No trained weights are involved.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from lipsync_core.testing import Parity, recipe
from lipsync_core.testing import own_folders as own_folders
from lipsync_core.testing import own_home as home  # noqa: F401 - a fixture

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the plugin does, before torch is there
try:
    import torch
except ImportError:  # what is left tests specs and probes
    collect_ignore = [
        "test_compat.py",
        "test_contract.py",
        "test_encoder.py",
        "test_generator.py",
        "test_networks.py",
        "test_pfld.py",
        "test_run.py",
        "test_runtimes.py",
        "test_training.py",
        "test_training_networks.py",
        "test_training_parts.py",
    ]


@pytest.fixture(scope="session")
def parity() -> Parity:
    """The golden files in `data`."""
    return Parity(Path(__file__).parent / "data")


Fill = Callable[["torch.nn.Module", str], "dict[str, torch.Tensor]"]


@pytest.fixture(scope="session")
def fill(parity: Parity) -> Fill:
    """Published tensors with the numbers of a golden run: `fill(network, "synctalk2d_unet_328_ave")`."""

    def make(network: torch.nn.Module, golden: str) -> dict[str, torch.Tensor]:
        like = network.state_dict()
        if golden.startswith("ultralight"):
            like = {ultralight_name(name): tensor for name, tensor in like.items()}
        filled = recipe.weights(like, parity.meta(golden))
        return {name: torch.from_numpy(value) for name, value in filled.items()}

    return make


def ultralight_name(name: str) -> str:
    """SyncTalk_2D's name of a tensor -> Ultralight's."""
    name = name.replace("inc.inconv.0.", "inc.inconv.")
    return name.replace(".maxpool_conv.0.", ".maxpool_conv.")


@pytest.fixture(scope="session")
def persons(fill: Fill, tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, Path]:
    """A person's file for AVE features by its crop's size, 328 and 160, as published: a plain state dict."""
    torch = pytest.importorskip("torch")
    from lipsync_synctalk2d.layouts import Layout
    from lipsync_synctalk2d.network import FaceNetwork

    folder = tmp_path_factory.mktemp("persons")
    made = {}
    for size, side in ((328, 320), (160, 160)):
        with torch.device("meta"):
            like = FaceNetwork(
                Layout(side=side, sound="ave", shape=(32, 16, 16), project="SyncTalk_2D")
            )
        made[size] = folder / f"{size}.pth"
        torch.save(fill(like, f"synctalk2d_unet_{size}_ave"), made[size])
    return made


@pytest.fixture(scope="session")
def ave(parity: Parity, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`audio_visual_encoder.pth` as published: names without the prefix that the recipe knows them by."""
    torch = pytest.importorskip("torch")
    from lipsync_core.networks.blocks import mel_encoder

    like = {f"audio_encoder.{name}": t for name, t in mel_encoder().state_dict().items()}
    filled = recipe.weights(like, parity.meta("synctalk2d_audio"))
    tensors = {n.removeprefix("audio_encoder."): torch.from_numpy(v) for n, v in filled.items()}
    path = tmp_path_factory.mktemp("ave") / "audio_visual_encoder.pth"
    torch.save(tensors, path)
    return path
