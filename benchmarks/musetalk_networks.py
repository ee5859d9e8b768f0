"""MuseTalk's networks alone, in full size, as a process: `weights HOME` or `WAY HOME OUT DEVICE FRAMES`.

The first makes files where `lipsync weights` keeps them, with the numbers of the tests' golden files in place
of trained ones. The second times them, FRAMES at a time. WAY is a precision, or `plain`: diffusers' networks
as published, in fp32, one operation after another, as in the original's script. The painted pictures go to
OUT (`.npy`), to be compared, and seconds a frame of each stage beside it, as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from lipsync_musetalk import diffusion, pictures
from lipsync_musetalk.availability import Files
from lipsync_musetalk.networks import LatentNetworks
from numpy.typing import NDArray

from lipsync_core.machine.hardware import detect
from lipsync_core.testing import Parity, recipe

DATA = Path(__file__).parents[1] / "plugins" / "musetalk" / "tests" / "data"
ROUNDS = 2


def weights(home: Path) -> None:
    """Files of generator and encoder below `home/weights`."""
    golden = Parity(DATA)
    folder = home / "weights" / "musetalk"
    unet, vae = golden.meta("musetalk_unet"), golden.meta("sd_vae")
    with torch.device("meta"):
        like = UNet2DConditionModel.from_config(unet["config"]).state_dict()
    _save(folder / "musetalkV15" / "unet.pth", recipe.weights(like, unet))
    (folder / "musetalkV15" / "musetalk.json").write_text(json.dumps(unet["config"]), "utf-8")
    _save(folder / "sd-vae" / "diffusion_pytorch_model.bin", _named("sd_vae.keys.json", vae))
    (folder / "sd-vae" / "config.json").write_text(json.dumps(vae["config"]), "utf-8")
    heard = _named("whisper_tiny_hf_encoder.keys.json", golden.meta("musetalk_whisper"))
    whisper = home / "weights" / "whisper" / "pytorch_model.bin"
    _save(whisper, {f"model.{name}": value for name, value in heard.items()})


def _named(names: str, meta: dict[str, object]) -> dict[str, NDArray[np.float32]]:
    shapes = json.loads((DATA / names).read_text("utf-8"))
    return recipe.weights({n: SimpleNamespace(shape=shape) for n, shape in shapes.items()}, meta)


def _save(path: Path, arrays: dict[str, NDArray[np.float32]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({name: torch.from_numpy(arrays.pop(name)) for name in list(arrays)}, path)


def timed(way: str, home: Path, out: Path, device: str, frames: int) -> dict[str, float]:
    """Seconds a frame of each stage."""
    folder = home / "weights" / "musetalk"
    files = Files(
        unet=folder / "musetalkV15" / "unet.pth",
        unet_config=folder / "musetalkV15" / "musetalk.json",
        vae=folder / "sd-vae" / "diffusion_pytorch_model.bin",
        vae_config=folder / "sd-vae" / "config.json",
    )
    networks = LatentNetworks(files, device, "fp32" if way == "plain" else way, detect().cores)
    if way == "plain":
        published = diffusion.load_vae(files.vae_config, files.vae)
        networks._decoded = networks.device.place(published).decode
    faces = np.stack([recipe.image(f"face{n}", 256, 256) for n in range(frames)])
    audio = recipe.normal("audio", (frames, 50, 384))
    # One face at a time, as both ways do: latents are made once for each picture.
    latents, encoding = _least(lambda: networks.encode(faces[:1]), 1)
    latents = np.repeat(latents, frames, axis=0)
    made, predicting = _least(lambda: networks.predict(latents, audio), frames)
    decoded, decoding = _least(lambda: networks.decode(made), frames)
    np.save(out, pictures.faces_of(decoded[:4]))
    return {"encode": encoding, "predict": predicting, "decode": decoding}


def _least(
    work: Callable[[], NDArray[np.float32]], frames: int
) -> tuple[NDArray[np.float32], float]:
    """What it gives, and the least of its seconds a frame, after once that is not counted."""
    made, took = work(), []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        made = work()
        took.append((time.perf_counter() - begin) / frames)
    return made, min(took)


def main(words: list[str]) -> None:
    """See the module."""
    if words[0] == "weights":
        weights(Path(words[1]))
    else:
        out = Path(words[2])
        told = timed(words[0], Path(words[1]), out, words[3], int(words[4]))
        out.with_suffix(".json").write_text(json.dumps(told), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
