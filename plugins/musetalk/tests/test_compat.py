"""The original script from frames, boxes and sound to frames, in full size, against what it made."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")

from lipsync_musetalk import (
    compat,
    compat_crops,
    compat_frames,
    diffusion,
    face_shapes,
    pictures,
    whisper_mel,
)
from lipsync_musetalk.availability import Files
from lipsync_musetalk.networks import LatentNetworks
from lipsync_musetalk.parsing_choice import Cheeks
from lipsync_musetalk.spec import MUSETALK, MUSETALK10
from lipsync_musetalk.whisper_rows import ROW
from lipsync_musetalk.whisper_runtime import WhisperRuntime

from lipsync_core.conformance import inputs
from lipsync_core.faces.crops import invert, place
from lipsync_core.testing import recipe

HEIGHT, WIDTH, SAMPLES = 300, 260, 4000
GOLDEN = "musetalk_e2e"


@pytest.fixture(scope="module")
def windows(whisper_files: dict[str, Path]) -> np.ndarray:
    """Of a quarter of a second, six frames."""
    runtime = WhisperRuntime(whisper_files["pytorch_model.bin"], "cpu", 1)
    mel = whisper_mel.padded_before(recipe.wave("mt_e2e", SAMPLES))
    rows = runtime.layers(mel[None], normed=True)[0, : SAMPLES // ROW]
    return compat.musetalk_windows(rows, SAMPLES, 25).reshape(-1, 50, 384)


@pytest.fixture(scope="module")
def files(parity, fill, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    """UNet and autoencoder in full size, as upstream has them: 3.7 GB."""
    meta = parity.meta("musetalk_unet")
    folder = tmp_path_factory.mktemp("full")
    files = Files(
        unet=folder / "unet.pth",
        unet_config=folder / "musetalk.json",
        vae=folder / "diffusion_pytorch_model.bin",
        vae_config=folder / "config.json",
    )
    with torch.device("meta"):
        like = diffusion.UNet2DConditionModel.from_config(meta["config"]).state_dict()
    filled = recipe.weights(like, meta)
    torch.save({name: torch.from_numpy(filled.pop(name)) for name in list(filled)}, files.unet)
    torch.save(fill("sd_vae.keys.json", "sd_vae"), files.vae)
    files.unet_config.write_text(json.dumps(meta["config"]))
    files.vae_config.write_text(json.dumps(parity.meta("sd_vae")["config"]))
    yield files
    shutil.rmtree(folder)


@pytest.mark.slow
def test_whole_clips_come_out_as_there(
    parity, parts: np.ndarray, windows: np.ndarray, files: Files
):
    """Both versions, six frames each: two to six minutes of two cores, and 4.7 GB of memory."""
    networks = LatentNetworks(files, "cpu", "fp32", 2)
    meta = parity.meta(GOLDEN)
    frames = [recipe.image(f"mt_e2e{k}", HEIGHT, WIDTH) for k in range(meta["frames"])]
    plain = [tuple(box) for box in meta["boxes"]]
    longer = [compat_crops.with_margin(box, HEIGHT) for box in plain]
    for version, boxes, mode in (("v15", longer, "jaw"), ("v1", plain, "raw")):
        mask = face_shapes.lower(parts, mode, Cheeks())

        def told(picture: np.ndarray, mask: np.ndarray = mask) -> np.ndarray:
            return mask

        made = np.stack(list(compat_frames.render(frames, boxes, windows, networks, told)))
        assert len(made) == meta[f"num_frames_{version}"]
        apart = parity.check(GOLDEN, f"frames_{version}", made)
        assert (apart > 1).mean() < 0.005
        source = [frames[n] for n in islice(compat_frames.schedule(len(frames)), len(made))]
        change = np.abs(made.astype(int) - np.stack(source)).astype(np.uint8)
        parity.check(GOLDEN, f"delta_{version}", change)
    networks.close()


@pytest.mark.slow
def test_bf16_changes_levels_in_full_size(windows: np.ndarray, files: Files):
    """Measured: 23 at the most, 2.7 on average, of pictures that spread by 59; with random numbers, and what
    trained weights make of it is another matter. Half a minute for each of files and pictures.
    """
    faces = inputs.crops(MUSETALK.crop, 1).images
    made = []
    for precision in ("fp32", "bf16"):
        networks = LatentNetworks(files, "cpu", precision, 2)
        painted = networks.paint(networks.encode(faces), windows[:1])
        made.append(pictures.faces_of(painted).astype(int))
        networks.close()
    apart = np.abs(made[0] - made[1])
    assert 0 < apart.max() <= 36
    assert apart.mean() < 4


@pytest.mark.parametrize(
    "frames, expected", [(1, [0, 0, 0]), (2, [0, 1, 1, 0, 0]), (3, [0, 1, 2, 2, 1, 0, 0])]
)
def test_clips_go_forth_and_back(frames: int, expected: list[int]):
    assert list(islice(compat_frames.schedule(frames), len(expected))) == expected


@pytest.mark.parametrize("shift", [0, 7, -7])
def test_the_options_of_a_run_move_crops_as_in_the_original(shift: int):
    points = np.zeros((1, 68, 2), np.float32)
    points[0, :, 0], points[0, :, 1] = np.linspace(90, 250, 68), np.linspace(130, 260, 68)
    points[0, 29] = (170, 165)
    points = np.trunc(points)

    def box(spec, **settings: int) -> list[float]:
        matrices, _ = place(spec.crop, np.zeros((1, 4)), points, "68", settings=settings)
        ends = np.array([[-0.5, -0.5, 1], [255.5, 255.5, 1]]) @ invert(matrices[0]).T + 0.5
        return [round(float(v), 6) for v in ends.ravel()]

    there = compat_crops.face_box(points[0].astype(np.int32), (0, 0, 9, 9), shift)
    assert box(MUSETALK10, bbox_shift=shift) == list(there)
    margin = compat_crops.EXTRA_MARGIN
    longer = compat_crops.with_margin(there, 1000)
    assert box(MUSETALK10, bbox_shift=shift, extra_margin=margin) == list(longer)
    here = box(MUSETALK, bbox_shift=shift)
    assert here[:3] == list(there[:3])
    assert 0 < here[3] - there[3] < margin  # the face's share of it
