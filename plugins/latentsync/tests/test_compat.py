"""The original's script, retold with what the plugin is made of, gives the original's frames."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from lipsync_latentsync import compat_affine, denoiser, pictures
from lipsync_latentsync.availability import Files
from lipsync_latentsync.denoiser import Settings
from lipsync_latentsync.networks import LatentSyncNetworks
from lipsync_latentsync.unet import LatentSyncUNet
from lipsync_musetalk.compat import latentsync_windows
from lipsync_musetalk.encoder import whole_rows
from lipsync_musetalk.whisper_runtime import WhisperRuntime

from lipsync_core.testing import recipe

NAME = "latentsync_e2e"
SIDE = 64
VAE = {
    "block_out_channels": [128, 256, 512, 512],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "layers_per_block": 2,
    "latent_channels": 4,
}


def save(path: Path, like, prefix: str) -> Path:
    filled = recipe.weights(like, {"prefix": prefix})
    torch.save({name: torch.from_numpy(value) for name, value in filled.items()}, path)
    return path


@pytest.fixture
def made(parity, full_unet: LatentSyncUNet, tmp_path: Path, monkeypatch) -> LatentSyncNetworks:
    """The networks in full size for tiny pictures, and the golden run's noise."""
    torch.set_num_threads(1)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(VAE))
    with torch.device("meta"):
        like = AutoencoderKL.from_config(VAE).state_dict()
    vae = save(tmp_path / "vae.bin", like, "sd_vae:")
    monkeypatch.setattr(denoiser, "load_unet", lambda path: full_unet)
    drawn = torch.from_numpy(recipe.normal("ls_noise", (1, 4, 1, 8, 8)))
    monkeypatch.setattr(denoiser, "noise", lambda *given: drawn)
    files = Files(plugin="latentsync", unet=vae, vae=vae, vae_config=config)
    return LatentSyncNetworks(files, SIDE, "cpu", "fp32", 1)


@pytest.fixture
def heard(tmp_path: Path) -> np.ndarray:
    """`(7, 50, 384)`: what the original hears in 0.2 s."""
    names = Path(__file__).parent / "data" / "whisper_tiny_openai_encoder.keys.json"
    like = {k: SimpleNamespace(shape=v) for k, v in json.loads(names.read_text()).items()}
    runtime = WhisperRuntime(save(tmp_path / "tiny.pt", like, "whisper_oai:"), "cpu", 1)
    rows = whole_rows(runtime, recipe.wave("ls_e2e", 3200), normed=False)
    windows = latentsync_windows(rows, 25)
    return windows.reshape(len(windows), 50, 384)


@pytest.mark.slow
def test_the_script_gives_the_originals_frames(parity, made: LatentSyncNetworks, heard: np.ndarray):
    """The same 5 GB as for the UNet alone, and a minute."""
    frames = [recipe.image(f"ls_e2e{n}", 150, 130) for n in range(4)]
    drawn = recipe.random("ls_e2e_lm")
    base = np.array([[150, 140], [230, 150], [192, 200]])
    points = [np.round(0.35 * base + 0.35 * drawn.uniform(-4, 4, (3, 2))) for _ in frames]
    alignment = compat_affine.Alignment(SIDE)
    matrices = [alignment.matrix(p.astype(np.float32)) for p in points]
    aligned = [compat_affine.aligned(f, m, SIDE) for f, m in zip(frames, matrices, strict=True)]
    squares = pictures.squared(np.stack(aligned), SIDE)
    order = [0, 1, 2, 3, 3, 2, 1]  # there and back, as long as the sound
    assert len(heard) == len(order)

    def script(settings: Settings, block: int) -> np.ndarray:
        done = []
        for at in range(0, len(order), block):
            now = order[at : at + block]
            latents = made.encode(squares[now])
            painted = made.paint(latents, heard[at : at + block], settings)
            whole = pictures.hard(squares[now], painted)
            faces = pictures.enlarged(whole, aligned[0].shape[:2])
            done += [
                compat_affine.restored(frames[n], face, matrices[n])
                for n, face in zip(now, faces, strict=True)
            ]
        return np.stack(done)

    cases = {
        "frames_cfg": (Settings(steps=4, guidance=1.5), 4),
        "frames_nocfg": (Settings(steps=3, guidance=1.0), 16),
        "frames_deepcache": (Settings(steps=4, guidance=1.5, reuse=3), 4),
    }
    for name, (settings, block) in cases.items():
        apart = parity.check(NAME, name, script(settings, block))
        assert (apart > 1).mean() < 0.005
