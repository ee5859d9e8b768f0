"""MuseTalk on a GPU: half precision against fp32 on the CPU, and a run; skips where there is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")

from lipsync_musetalk import pictures
from lipsync_musetalk.availability import Files
from lipsync_musetalk.networks import LatentNetworks
from lipsync_musetalk.spec import MUSETALK

from lipsync_core.conformance import inputs
from lipsync_core.contracts import OpenContext
from lipsync_core.networks.compiling import unfit_compiler
from lipsync_core.testing import changed, recipe, talk

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]


@pytest.fixture
def files(small_files: dict[str, Path]) -> Files:
    return Files(
        unet=small_files["musetalkV15/unet.pth"],
        unet_config=small_files["musetalkV15/musetalk.json"],
        vae=small_files["sd-vae/diffusion_pytorch_model.bin"],
        vae_config=small_files["sd-vae/config.json"],
    )


def painted(files: Files, device: str, precision: str, count: int, *, compile: bool = False):
    """Levels of so many faces."""
    networks = LatentNetworks(files, device, precision, 2, compile=compile)
    faces = inputs.crops(MUSETALK.crop, 1).images
    latents = np.repeat(networks.encode(faces), count, axis=0)
    rows = recipe.normal("rows", (count, 50, 384))
    made = pictures.faces_of(networks.paint(latents, rows)).astype(int)
    networks.close()
    return made


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
@pytest.mark.parametrize("count", [1, 8])
def test_a_gpu_paints_what_a_cpu_paints(files: Files, precision: str, count: int):
    apart = np.abs(painted(files, "cuda", precision, count) - painted(files, "cpu", "fp32", count))
    assert apart.max() <= {"fp32": 2, "fp16": 8, "bf16": 36}[precision]


def test_compiled_networks_paint_the_same_there(files: Files):
    told = unfit_compiler(OpenContext(device="cuda"))
    if told is not None:
        pytest.skip(told.reason)
    apart = painted(files, "cuda", "fp16", 2, compile=True) - painted(files, "cuda", "fp16", 2)
    assert np.abs(apart).max() <= 8


def test_a_run_on_a_gpu(home, small_files, whisper_files, tmp_path: Path):
    home("musetalk", small_files)
    home("whisper", {"pytorch_model.bin": whisper_files["pytorch_model.bin"]})
    words = ("--generator", "musetalk", "--strict", "--device")
    made, there = (talk(tmp_path, 6, *words, device) for device in ("cuda", "cpu"))
    assert made.report["chain"]["used"] == {"musetalk": 6}
    assert changed(made.frames, there.frames).outside == 0
