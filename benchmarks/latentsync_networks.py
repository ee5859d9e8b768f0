"""LatentSync's networks alone, in full size, as a process: `weights HOME`, or `time HOME OUT CASE`.

The first makes a UNet in half precision and an autoencoder where `lipsync weights` keeps them, with numbers
of golden files in place of trained ones. The second times a chunk of 16 frames by stages, as the case
(JSON) says, and writes what it found to OUT, as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from lipsync_latentsync.availability import Files
from lipsync_latentsync.denoiser import Settings
from lipsync_latentsync.networks import LatentSyncNetworks
from lipsync_latentsync.spec import UNET, VAE, VAE_CONFIG
from lipsync_latentsync.unet import LatentSyncUNet, Shape
from numpy.typing import NDArray

from lipsync_core.machine.hardware import detect
from lipsync_core.testing import Parity, recipe

DATA = Path(__file__).parents[1] / "plugins" / "latentsync" / "tests" / "data"
FRAMES = 16
FULL_VAE = {
    "block_out_channels": [128, 256, 512, 512],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "layers_per_block": 2,
    "latent_channels": 4,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is timed.

    Attributes:
        side: 256 or 512.
        device: "cpu" or "cuda".
        precision: "fp32", "bf16" or "fp16".
        steps: of the walk.
        guidance: over 1 each step takes two passes.
        reuse: deep layers run in the first of so many steps.
        compile: whether the UNet is compiled; that time does not count.
        memory: how the autoencoder goes about it.
        rounds: the least of so many counts, after one that does not; 1: the first one counts.
    """

    side: int
    device: str
    precision: str
    steps: int
    guidance: float = 1.0
    reuse: int = 1
    compile: bool = False
    memory: str = "auto"
    rounds: int = 1


def folder(home: Path) -> Path:
    """Where the files are."""
    return home / "weights" / "latentsync15"


def weights(home: Path) -> None:
    """Files of the generator below `home/weights`."""
    with torch.device("meta"):
        unet = LatentSyncUNet(Shape()).state_dict()
        vae = AutoencoderKL.from_config(FULL_VAE).state_dict()
    meta = Parity(DATA).meta("latentsync_unet")
    tensors = {name: _drawn(name, entry, meta).half() for name, entry in unet.items()}
    _save(folder(home) / UNET, {"global_step": 0, "state_dict": tensors})
    (folder(home) / VAE_CONFIG).parent.mkdir(parents=True, exist_ok=True)
    (folder(home) / VAE_CONFIG).write_text(json.dumps(FULL_VAE), "utf-8")
    like = {"prefix": "sd_vae:"}
    _save(folder(home) / VAE, {name: _drawn(name, entry, like) for name, entry in vae.items()})


def _drawn(name: str, entry: torch.Tensor, meta: Mapping[str, object]) -> torch.Tensor:
    return torch.from_numpy(recipe.weights({name: entry}, meta)[name])


def _save(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path)


def timed(home: Path, case: Case) -> dict[str, float]:
    """Seconds of a chunk by stages, and the GPU's peak memory in MB (0 on a CPU)."""
    files = Files(
        plugin="latentsync15",
        unet=folder(home) / UNET,
        vae=folder(home) / VAE,
        vae_config=folder(home) / VAE_CONFIG,
    )
    begin = time.perf_counter()
    networks = LatentSyncNetworks(
        files,
        case.side,
        case.device,
        case.precision,
        detect().cores,
        memory=case.memory,  # type: ignore[arg-type]
        compile=case.compile,
    )
    loading = time.perf_counter() - begin
    height, width = round(280 * case.side / 256), round(210 * case.side / 256)
    crops = np.stack([recipe.image(f"face{n}", height, width) for n in range(FRAMES)])
    audio = recipe.normal("audio", (FRAMES, 50, 384))
    settings = Settings(steps=case.steps, guidance=case.guidance, reuse=case.reuse)
    latents, encoding = _least(lambda: networks.encode(crops), case.rounds)
    made, denoising = _least(lambda: networks.denoised(latents, audio, settings), case.rounds)
    pictures, decoding = _least(lambda: networks.autoencoder.decode(made), case.rounds)
    assert np.isfinite(pictures).all()
    gpu = torch.cuda.max_memory_allocated() / 2**20 if case.device == "cuda" else 0.0
    return {
        "load": loading,
        "encode": encoding,
        "denoise": denoising,
        "decode": decoding,
        "gpu_mb": gpu,
    }


def _least(
    work: Callable[[], NDArray[np.float32]], rounds: int
) -> tuple[NDArray[np.float32], float]:
    if rounds > 1:
        work()
    took = []
    for _ in range(rounds):
        begin = time.perf_counter()
        made = work()
        took.append(time.perf_counter() - begin)
    return made, min(took)


def main(words: list[str]) -> None:
    """See the module."""
    if words[0] == "weights":
        weights(Path(words[1]))
        return
    told = timed(Path(words[1]), Case(**json.loads(words[3])))
    Path(words[2]).write_text(json.dumps(told), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
