"""Weight files in the published layouts with recipe numbers, golden files, and homes of their own.

The golden files in `data` hold what the original implementation gave with the recipe's numbers (`meta` inside
each says what ran). No trained weights are involved.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lipsync_core.testing import OwnHome, Parity, recipe
from lipsync_core.testing import own_folders as own_folders
from lipsync_core.testing import own_home as own_home
from lipsync_core.weights import state_dict

if TYPE_CHECKING:
    from lipsync_latentsync.unet import LatentSyncUNet

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the plugin does, before torch is there
RUNTIME = all(importlib.util.find_spec(n) for n in ("torch", "diffusers", "lipsync_musetalk"))
if not RUNTIME:  # what is left tests specs and probes
    collect_ignore = [
        f"test_{name}.py"
        for name in ("alignment", "compat", "contract", "generator", "run", "sampling", "unet")
    ]


@pytest.fixture(scope="session")
def parity() -> Parity:
    """The golden files in `data`."""
    return Parity(Path(__file__).parent / "data")


def save_unet(path: Path, prefix: str) -> Path:
    """`latentsync_unet.pt` as published, of a narrow network with recipe numbers."""
    import torch
    from lipsync_latentsync.unet import LatentSyncUNet, Shape

    with torch.device("meta"):
        network = LatentSyncUNet(Shape((32, 32, 64, 64)))
    filled = recipe.weights(network.state_dict(), {"prefix": prefix})
    tensors = {name: torch.from_numpy(value) for name, value in filled.items()}
    torch.save({"global_step": 7, "state_dict": tensors}, path)
    return path


@pytest.fixture(scope="session")
def small_unet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See `save_unet`."""
    return save_unet(tmp_path_factory.mktemp("unet") / "latentsync_unet.pt", "small_unet:")


@pytest.fixture(scope="session")
def full_unet(parity: Parity) -> LatentSyncUNet:
    """The UNet in full size with the numbers of its golden file: 5 GB, made once."""
    import torch
    from lipsync_latentsync.unet import LatentSyncUNet, Shape

    with torch.device("meta"):
        network = LatentSyncUNet(Shape())
    filled = recipe.weights(network.state_dict(), parity.meta("latentsync_unet"))
    tensors = {name: torch.from_numpy(filled.pop(name)) for name in list(filled)}
    state_dict.load(network, tensors, Path("latentsync_unet.pt"))
    return network.eval().requires_grad_(False)


SMALL_VAE = {
    "_class_name": "AutoencoderKL",
    "act_fn": "silu",
    "block_out_channels": [32, 32, 32, 32],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 4,
    "layers_per_block": 1,
    "norm_num_groups": 32,
    "sample_size": 256,
}
"""The published architecture with fewer channels."""


@pytest.fixture(scope="session")
def small_files(small_unet: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Weights of narrow networks by their paths below the weights folder, for both sizes, and Whisper's."""
    import torch
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from lipsync_musetalk.whisper_network import WhisperNetwork

    folder = tmp_path_factory.mktemp("small")
    newer = save_unet(folder / "latentsync_unet.pt", "newer_unet:")
    config, vae, whisper = (
        folder / name for name in ("config.json", "vae.bin", "pytorch_model.bin")
    )
    config.write_text(json.dumps(SMALL_VAE))
    with torch.device("meta"):
        small = AutoencoderKL.from_config(SMALL_VAE).state_dict()
        encoder = WhisperNetwork().state_dict()

    def keep(path: Path, like: Mapping[str, torch.Tensor], prefix: str) -> None:
        filled = recipe.weights({f"{prefix}{k}": v for k, v in like.items()}, {})
        torch.save({name: torch.from_numpy(value) for name, value in filled.items()}, path)

    keep(vae, small, "")
    keep(whisper, encoder, "model.encoder.")
    files = {"whisper-latentsync/pytorch_model.bin": whisper}
    for plugin, unet in (("latentsync", newer), ("latentsync15", small_unet)):
        files |= {
            f"{plugin}/latentsync_unet.pt": unet,
            f"{plugin}/sd-vae-ft-mse/config.json": config,
            f"{plugin}/sd-vae-ft-mse/diffusion_pytorch_model.bin": vae,
        }
    return files


Home = Callable[..., Path]


@pytest.fixture
def home(own_home: OwnHome, small_files: dict[str, Path]) -> Home:
    """Makes this test's LIPSYNC_HOME with the small files of plugins: `home("latentsync15")`."""

    def make(*plugins: str) -> Path:
        return own_home({k: v for k, v in small_files.items() if k.partition("/")[0] in plugins})

    return make
