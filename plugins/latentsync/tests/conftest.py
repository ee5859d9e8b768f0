"""Weight files in the published layouts with recipe numbers, golden files, and homes of their own.

The golden files in `data` hold what the original implementation gave with the recipe's numbers (`meta` inside
each says what ran). No trained weights are involved.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lipsync_core.requests import EncoderChoice
from lipsync_core.testing import OwnHome, Parity, frames_of, recipe, write_voice
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
        for name in (
            "alignment",
            "chain",
            "compat",
            "contract",
            "generator",
            "hybrid",
            "hybrid_run",
            "run",
            "sampling",
            "syncnet",
            "unet",
        )
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
    "block_out_channels": [8, 8, 8, 8],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 4,
    "layers_per_block": 1,
    "norm_num_groups": 8,
    "sample_size": 256,
}
"""The published architecture with fewer channels."""


@pytest.fixture(scope="session")
def syncnet_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`stable_syncnet.pt` as published, of a narrow network with recipe numbers."""
    import torch
    from lipsync_latentsync.syncnet_network import StableSyncNet

    with torch.device("meta"):
        network = StableSyncNet((*[32] * 6, 64), (*[32] * 7, 64))
    filled = recipe.weights(network.state_dict(), {"prefix": "small_syncnet:"})
    path = tmp_path_factory.mktemp("syncnet") / "stable_syncnet.pt"
    tensors = {name: torch.from_numpy(value) for name, value in filled.items()}
    torch.save({"global_step": 3, "state_dict": tensors}, path)
    return path


SMALL_MUSETALK = {
    "_class_name": "UNet2DConditionModel",
    "act_fn": "silu",
    "attention_head_dim": 2,
    "block_out_channels": [32, 32, 64, 64],
    "center_input_sample": False,
    "cross_attention_dim": 384,
    "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
    "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
    "flip_sin_to_cos": True,
    "freq_shift": 0,
    "in_channels": 8,
    "layers_per_block": 2,
    "norm_num_groups": 32,
    "out_channels": 4,
    "sample_size": 64,
}
"""The published architecture with fewer channels and heads, as MuseTalk's configuration describes it."""


@pytest.fixture(scope="session")
def small_files(small_unet: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Weights of narrow networks by their paths below the weights folder: of every model that is met here."""
    import torch
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from lipsync_musetalk.whisper_network import WhisperNetwork

    folder = tmp_path_factory.mktemp("small")
    newer = save_unet(folder / "latentsync_unet.pt", "newer_unet:")
    config, musetalk_config = folder / "config.json", folder / "musetalk.json"
    config.write_text(json.dumps(SMALL_VAE))
    musetalk_config.write_text(json.dumps(SMALL_MUSETALK))
    with torch.device("meta"):
        small = AutoencoderKL.from_config(SMALL_VAE).state_dict()
        musetalk = UNet2DConditionModel.from_config(SMALL_MUSETALK).state_dict()
        encoder = WhisperNetwork().state_dict()

    def keep(name: str, like: Mapping[str, torch.Tensor], prefix: str = "") -> Path:
        filled = recipe.weights({f"{prefix}{k}": v for k, v in like.items()}, {})
        torch.save({n: torch.from_numpy(value) for n, value in filled.items()}, folder / name)
        return folder / name

    vae = keep("vae.bin", small)
    whisper = keep("pytorch_model.bin", encoder, "model.encoder.")
    files = {f"{name}/pytorch_model.bin": whisper for name in ("whisper", "whisper-latentsync")}
    for plugin, unet in (("latentsync", newer), ("latentsync15", small_unet)):
        files |= {
            f"{plugin}/latentsync_unet.pt": unet,
            f"{plugin}/sd-vae-ft-mse/config.json": config,
            f"{plugin}/sd-vae-ft-mse/diffusion_pytorch_model.bin": vae,
        }
    return files | {
        "musetalk/musetalkV15/unet.pth": keep("unet.pth", musetalk),
        "musetalk/musetalkV15/musetalk.json": musetalk_config,
        "musetalk/sd-vae/config.json": config,
        "musetalk/sd-vae/diffusion_pytorch_model.bin": vae,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A finished run: its report and its frames `(N, H, W, 3)`."""

    report: dict[str, Any]
    frames: NDArray[np.uint8]

    @property
    def attempts(self) -> list[tuple[str, str]]:
        """Who failed, and in which phase."""
        return [(a["generator"], a["phase"]) for a in self.report["chain"]["attempts"]]

    @property
    def notes(self) -> list[tuple[int, int, str]]:
        """What was noted of which frames."""
        told = self.report["chain"]["notes"]
        return [(note["first"], note["last"], note["note"]) for note in told]


Job = Callable[..., Made]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Runs the engine in this process on the still portrait, so that what runs can be patched.

    `job(29, "latentsync15", "musetalk")`: frames, then the chain; the quick options of every generator.
    """
    quick = {name: {"steps": "1", "guidance": "1"} for name in ("latentsync15", "hybrid")}

    def make(frames: int, *chain: str, **choices: Any) -> Made:
        import torch

        from lipsync_core import run, samples
        from lipsync_core.requests import RunRequest

        count = len(list(tmp_path.glob("out*.mp4")))
        choices = {"silence": "generate", "idle": False, "precision": "fp32"} | choices
        threads = torch.get_num_threads()
        request = RunRequest.of(
            choices.pop("target", samples.portrait()),
            write_voice(tmp_path / f"voice{count}.wav", frames),
            tmp_path / f"out{count}.mp4",
            generators=chain,
            options=quick,
            encoding=EncoderChoice(crf=1),
            **choices,
        )
        report = run(request)
        torch.set_num_threads(threads)
        return Made(report=report, frames=frames_of(request.output))

    return make


Home = Callable[..., Path]


@pytest.fixture
def home(own_home: OwnHome, small_files: dict[str, Path]) -> Home:
    """Makes this test's LIPSYNC_HOME with the small files of plugins: `home("latentsync15")`."""

    def make(*plugins: str) -> Path:
        return own_home({k: v for k, v in small_files.items() if k.partition("/")[0] in plugins})

    return make
