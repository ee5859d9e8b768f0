"""Weight files in the published layouts with recipe numbers, golden files, and homes of their own.

The golden files in `data` hold what the original implementation gave with the recipe's numbers (`meta` inside
each says what ran); the lists of names are those of the published files. No trained weights are involved.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from lipsync_core.testing import OwnHome, Parity, recipe
from lipsync_core.testing import own_folders as own_folders
from lipsync_core.testing import own_home as own_home

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the plugin does, before torch is there
try:
    import torch
except ImportError:  # what is left tests specs and probes
    collect_ignore = [
        f"test_{name}.py"
        for name in (
            "blender",
            "compat",
            "contract",
            "diffusion",
            "generator",
            "gpu",
            "parsing",
            "pose",
            "seams",
            "whisper",
        )
    ]

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def parity() -> Parity:
    """The golden files in `data`."""
    return Parity(DATA)


Fill = Callable[[str, str], "dict[str, torch.Tensor]"]


@pytest.fixture(scope="session")
def fill(parity: Parity) -> Fill:
    """Tensors under published names with a golden run's numbers: `fill("sd_vae.keys.json", "sd_vae")`."""

    def make(names: str, golden: str) -> dict[str, torch.Tensor]:
        shapes = json.loads((DATA / names).read_text())
        like = {name: SimpleNamespace(shape=shape) for name, shape in shapes.items()}
        filled = recipe.weights(like, parity.meta(golden))
        return {name: torch.from_numpy(value) for name, value in filled.items()}

    return make


@pytest.fixture(scope="session")
def whisper_files(fill: Fill, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Whisper tiny as its publishers offer it, by name; of the decoder a little."""
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("whisper")
    hub = fill("whisper_tiny_hf_encoder.keys.json", "musetalk_whisper")
    openai = fill("whisper_tiny_openai_encoder.keys.json", "latentsync_whisper")
    made = {n: folder / n for n in ("pytorch_model.bin", "model.safetensors", "tiny.pt")}
    named = {f"model.{k}": v for k, v in hub.items()}
    named["model.decoder.layer_norm.weight"] = torch.ones(384)
    torch.save(named, made["pytorch_model.bin"])
    save_file(named, made["model.safetensors"])
    openai["decoder.ln.weight"] = torch.ones(384)
    dims = {"n_mels": 80, "n_audio_ctx": 1500, "n_audio_state": 384}
    torch.save({"dims": dims, "model_state_dict": openai}, made["tiny.pt"])
    return made


@pytest.fixture(scope="session")
def parsing_file(fill: Fill, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`79999_iter.pth` as published."""
    pytest.importorskip("torch")
    path = tmp_path_factory.mktemp("parsing") / "79999_iter.pth"
    torch.save(fill("bisenet_face_parsing.keys.json", "bisenet"), path)
    return path


@pytest.fixture(scope="session")
def pose_file(fill: Fill, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`dw-ll_ucoco_384.pth` as published: a training checkpoint with more than the network."""
    pytest.importorskip("torch")
    path = tmp_path_factory.mktemp("pose") / "dw-ll_ucoco_384.pth"
    tensors = fill("dwpose_rtmpose_l_wholebody.keys.json", "dwpose_rtmpose")
    torch.save({"meta": {"epoch": 1}, "state_dict": tensors}, path)
    return path


@pytest.fixture(scope="session")
def parts() -> NDArray[np.uint8]:
    """`(512, 512)`, the recipe's map of the parts of a face: ellipses, moved a little by its numbers."""
    random = recipe.random("labels:mt_labels")
    y, x = np.mgrid[0:512, 0:512].astype(np.int64)

    def moved(most: int) -> int:
        return int(random.integers(-most, most + 1))

    def inside(cx: int, cy: int, wide: int, high: int) -> NDArray[np.bool_]:
        return (x - cx) ** 2 * high**2 + (y - cy) ** 2 * wide**2 <= (wide * high) ** 2

    made = np.zeros((512, 512), np.uint8)
    cx, cy = 256 + moved(12), 260 + moved(12)
    made[inside(cx, cy - 60, 190, 210)] = 17
    made[(x > cx - 70) & (x < cx + 70) & (y > cy + 100)] = 14
    made[inside(cx, cy, 140 + moved(8), 185 + moved(8))] = 1
    made[inside(cx, cy + 20, 26, 60)] = 10
    made[inside(cx, cy + 110, 58, 34)] = 12
    made[inside(cx, cy + 124, 54, 24)] = 13
    made[inside(cx, cy + 116, 44, 12)] = 11
    made[inside(cx - 55, cy - 40, 24, 10)] = 4
    made[inside(cx + 55, cy - 40, 24, 10)] = 5
    return made


SMALL_UNET = {
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
"""The published architectures with fewer channels and heads: the configuration beside the weights tells."""


@pytest.fixture(scope="session")
def small_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Upstream's `models` folder with narrow networks and recipe numbers, by path."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("diffusers")
    from lipsync_musetalk.diffusion import AutoencoderKL, UNet2DConditionModel

    folder = tmp_path_factory.mktemp("models")
    made = {}

    def keep(path: str, kind: type, settings: dict[str, object], weights: str) -> None:
        with torch.device("meta"):
            like = kind.from_config(settings).state_dict()  # type: ignore[attr-defined]
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(settings))
        filled = recipe.weights(like, {"prefix": f"small_{kind.__name__}:"})
        tensors = {name: torch.from_numpy(value) for name, value in filled.items()}
        torch.save(tensors, place.with_name(weights))
        made.update(
            {p.relative_to(folder).as_posix(): p for p in (place, place.with_name(weights))}
        )

    keep("musetalkV15/musetalk.json", UNet2DConditionModel, SMALL_UNET, "unet.pth")
    keep("sd-vae/config.json", AutoencoderKL, SMALL_VAE, "diffusion_pytorch_model.bin")
    return made


Home = Callable[..., Path]


@pytest.fixture
def home(own_home: OwnHome) -> Home:
    """This test's LIPSYNC_HOME, with files of one plugin: `home("whisper", {"tiny.pt": path})`."""

    def make(plugin: str = "", files: Mapping[str, Path] | None = None) -> Path:
        return own_home({f"{plugin}/{name}": path for name, path in (files or {}).items()})

    return make
