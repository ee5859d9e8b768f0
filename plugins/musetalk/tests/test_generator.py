"""The generator, with narrow networks of the published architecture: what it gives, keeps and survives."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("diffusers")

from lipsync_musetalk import pictures
from lipsync_musetalk.generator import LATENTS, MuseTalk
from lipsync_musetalk.spec import MUSETALK, MUSETALK10

from lipsync_core import samples
from lipsync_core.conformance import inputs
from lipsync_core.errors import GenerationFailed, OutOfMemory, PluginFault
from lipsync_core.records import Chunk, Crops
from lipsync_core.registry.probing import context_for
from lipsync_core.testing import changed, lipsync, recipe, talk

FRAMES = 8


@pytest.fixture
def weights(home, small_files: dict[str, Path]) -> None:
    home("musetalk", small_files)


@pytest.fixture(scope="module")
def crops() -> Crops:
    return inputs.crops(MUSETALK.crop, 2)


def opened(spec=MUSETALK, seed: int = 0, **options: str) -> MuseTalk:
    generator = MuseTalk()
    generator.open(context_for(spec, precision="fp32", options=options, seed=seed, threads=1))
    return generator


def chunk(crops: Crops, prepared=None) -> Chunk:
    rows = recipe.normal("rows", (len(crops), 50, 384))
    return inputs.chunk(crops, rows, prepared)


def test_it_paints_what_the_networks_give(weights, crops: Crops):
    generator = opened()
    made = generator.generate(chunk(crops))
    assert made.shape == (2, 256, 256, 3)
    networks = generator._opened()
    latents = networks.encode(crops.images)
    expected = pictures.faces_of(networks.paint(latents, recipe.normal("rows", (2, 50, 384))))
    assert np.abs(made.astype(int) - expected).max() <= 1
    generator.close()
    with pytest.raises(PluginFault, match="before it was opened"):
        generator.generate(chunk(crops))


def test_latents_of_a_picture_do_not_depend_on_others(weights, crops: Crops):
    generator = opened()
    together = generator.prepare(crops)[LATENTS]
    assert together.shape == (2, 8, 32, 32)
    for n in range(2):
        assert np.array_equal(
            generator.prepare(inputs.piece(crops, n, n + 1))[LATENTS][0], together[n]
        )
    first = generator.generate(chunk(crops, {LATENTS: together}))
    assert np.array_equal(first, generator.generate(chunk(crops)))  # prepares itself


def test_what_is_prepared_is_used(weights, crops: Crops):
    """Latents from disk stand for the pictures."""
    generator = opened()
    prepared = {LATENTS: np.roll(generator.prepare(crops)[LATENTS], 1, axis=0)}
    swapped = inputs.piece(crops, 0, 2)
    swapped.images[:] = np.roll(crops.images, 1, axis=0)
    assert np.array_equal(
        generator.generate(chunk(crops, prepared)), generator.generate(chunk(swapped))
    )


def test_sampling_repeats_with_its_seed(weights, crops: Crops):
    plain, one, same, other = (
        opened(seed=seed, **options).prepare(crops)[LATENTS]
        for seed, options in ((1, {}), (1, {"sample": "true"}), (1, {"sample": "true"}),
                              (2, {"sample": "true"}))
    )  # fmt: skip
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, plain)


def test_version_10_has_files_of_its_own(home, small_files: dict[str, Path], crops: Crops):
    older = {
        "musetalk/pytorch_model.bin": small_files["musetalkV15/unet.pth"],
        "musetalk/musetalk.json": small_files["musetalkV15/musetalk.json"],
        **{path: file for path, file in small_files.items() if path.startswith("sd-vae/")},
    }
    home("musetalk10", older)
    home("musetalk", small_files)
    made = opened(MUSETALK10).generate(chunk(crops))
    assert np.array_equal(made, opened().generate(chunk(crops)))  # the same numbers in both files


def test_batches_are_halved_before_it_gives_up(weights, crops: Crops, monkeypatch):
    generator = opened()
    networks = generator._opened()
    expected = generator.generate(chunk(crops))
    paint, asked = networks.paint, []

    def narrow(latents: np.ndarray, audio: np.ndarray) -> np.ndarray:
        asked.append(len(latents))
        if len(latents) > 1:
            raise OutOfMemory("MuseTalk ran out of GPU memory.")
        return paint(latents, audio)

    monkeypatch.setattr(networks, "paint", narrow)
    made = generator.generate(chunk(crops))
    assert asked == [2, 1, 1]
    assert np.abs(made.astype(int) - expected).max() <= 1
    with pytest.raises(OutOfMemory):
        networks.device.in_pieces(3, 2, lambda a, b: narrow(np.zeros((2, 1)), np.zeros((2, 1))))


def test_pictures_that_are_no_numbers_are_told(weights, crops: Crops, monkeypatch):
    generator = opened()
    broken = np.full((2, 3, 256, 256), np.nan, np.float32)
    monkeypatch.setattr(generator._opened(), "paint", lambda *given: broken)
    with pytest.raises(GenerationFailed, match="NaN or infinity"):
        generator.generate(chunk(crops))


def test_features_of_another_encoder_are_told(weights, crops: Crops):
    rows = np.zeros((2, 80, 16), np.float32)
    with pytest.raises(PluginFault, match=r"wants \(50, 384\) features a frame, got \(80, 16\)"):
        opened().generate(inputs.chunk(crops, rows))


@pytest.mark.parametrize("blender", ["feather", "parsing"])
def test_a_video_by_musetalk(weights, home, whisper_files, tmp_path: Path, blender: str):
    home("whisper", {"pytorch_model.bin": whisper_files["pytorch_model.bin"]})
    words = ("--option", "parsing.mode=ellipse") if blender == "parsing" else ()
    made = talk(
        tmp_path, FRAMES, "--generator", "musetalk", "--strict", "--blender", blender, *words
    )
    assert made.report["chain"]["used"] == {"musetalk": FRAMES}
    assert len(made.frames) == FRAMES
    apart = changed(made.frames, talk(tmp_path, FRAMES).frames)
    assert apart.mouth > 0.5
    assert apart.forehead == 0
    assert apart.outside == 0


def test_a_prepared_avatar_gives_the_same_video(weights, home, whisper_files, tmp_path: Path):
    """`lipsync prepare`, and then two voices."""
    home("whisper", {"pytorch_model.bin": whisper_files["pytorch_model.bin"]})
    words = ("--generator", "musetalk", "--strict")
    without = talk(tmp_path, FRAMES, *words)
    assert without.report["saved"]["prepared"]["frames"] == {
        "made": 1, "stored": 0, "again": FRAMES - 1
    }  # fmt: skip
    done = lipsync("prepare", samples.portrait(), "--generator", "musetalk", "--still", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["kept"]["frames"] == 1
    for frames in (FRAMES, FRAMES // 2):
        made = talk(tmp_path, frames, *words)
        assert made.report["saved"]["prepared"]["frames"] == {
            "made": 0, "stored": 1, "again": frames - 1
        }  # fmt: skip
        if frames == FRAMES:
            assert np.array_equal(made.frames, without.frames)
