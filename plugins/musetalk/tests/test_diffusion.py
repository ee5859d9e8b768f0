"""UNet and autoencoder give what the original's give, from every published layout of their files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")

from lipsync_musetalk import compat_crops, diffusion, pictures, positions
from lipsync_musetalk.availability import Files
from lipsync_musetalk.networks import LatentNetworks
from lipsync_musetalk.spec import MUSETALK

from lipsync_core.contracts import OpenContext
from lipsync_core.errors import OutOfMemory, PluginUnavailable
from lipsync_core.networks.autoencoder import built, filled
from lipsync_core.networks.compiling import unfit_compiler
from lipsync_core.testing import recipe
from lipsync_core.weights import outline

OLD_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def aged(tensors: dict[str, torch.Tensor], flat: bool = True) -> dict[str, torch.Tensor]:
    """With the names of 2022 in the attention of the middle; `flat=False`: as 1x1 convolutions."""
    old = {}
    for name, tensor in tensors.items():
        value = tensor
        for new, former in OLD_NAMES.items():
            if f"attentions.0.{new}." in name:
                name = name.replace(new, former)
                value = tensor if flat or tensor.ndim == 1 else tensor[:, :, None, None]
        old[name] = value
    assert sum("proj_attn" in name for name in old) == 4
    return old


@pytest.fixture(scope="module")
def vae(fill, parity, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The autoencoder in full size, as the file of 2022."""
    folder = tmp_path_factory.mktemp("vae")
    torch.save(aged(fill("sd_vae.keys.json", "sd_vae")), folder / "diffusion_pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps(parity.meta("sd_vae")["config"]))
    return folder


@pytest.fixture(scope="module")
def small(small_files: dict[str, Path]) -> Files:
    return Files(
        unet=small_files["musetalkV15/unet.pth"],
        unet_config=small_files["musetalkV15/musetalk.json"],
        vae=small_files["sd-vae/diffusion_pytorch_model.bin"],
        vae_config=small_files["sd-vae/config.json"],
    )


def test_the_autoencoder_is_the_originals(parity, vae: Path):
    loaded = diffusion.load_vae(vae / "config.json", vae / "diffusion_pytorch_model.bin")
    image = torch.from_numpy(recipe.uniform("vae_img", (1, 3, 64, 96), -1, 1))
    latent = torch.from_numpy(recipe.normal("vae_lat", (1, 4, 8, 12)))
    with torch.inference_mode():
        posterior = loaded.encode(image).latent_dist
        parity.check("sd_vae", "mode", posterior.mode().numpy())
        parity.check("sd_vae", "logvar", posterior.logvar.numpy())
        parity.check("sd_vae", "decoded", loaded.decode(latent).sample.numpy())


def test_faces_go_to_latents_and_back_as_in_the_original(parity, small: Files, vae: Path):
    big = recipe.image("mt_big", 300, 280)
    parity.check("musetalk_vae_wrap", "lanczos", compat_crops.cut(big, (7, 11, 260, 291)))
    face = recipe.image("mt_crop", 256, 256)[None, ..., ::-1]  # its pictures are BGR
    whole = pictures.normalised(face)
    hidden = pictures.lower_half_hidden(whole)
    assert parity.check("musetalk_vae_wrap", "ref", whole).max() < 1e-6
    assert parity.check("musetalk_vae_wrap", "masked", hidden).max() < 1e-6
    files = Files(
        unet=small.unet,
        unet_config=small.unet_config,
        vae=vae / "diffusion_pytorch_model.bin",
        vae_config=vae / "config.json",
    )
    made = LatentNetworks(files, "cpu", "fp32", 1)
    latents = made.encode(face)
    assert parity.check("musetalk_vae_wrap", "latents8", latents).max() < 1e-5
    decoded = pictures.faces_of(made.decode(latents[:, 4:]))[..., ::-1]
    parity.check("musetalk_vae_wrap", "decoded", decoded)
    made.close()


@pytest.mark.slow
def test_the_unet_is_the_originals_in_full_size(parity):
    """850 million numbers: 3.4 GB and half a minute."""
    meta = parity.meta("musetalk_unet")
    model = built(diffusion.UNet2DConditionModel, meta["config"], Path("musetalk.json"), "musetalk")
    numbers = recipe.weights(model.state_dict(), meta)
    tensors = {name: torch.from_numpy(numbers.pop(name)) for name in list(numbers)}
    model = filled(model, tensors, Path("unet.pth"))
    stages = [
        "time_embedding",
        "conv_in",
        *(f"down_blocks.{n}" for n in range(4)),
        "mid_block",
        *(f"up_blocks.{n}" for n in range(4)),
    ]
    seen = {}
    for stage in stages:

        def keep(module, given, made, stage: str = stage) -> None:
            seen[stage] = made[0] if isinstance(made, tuple) else made

        model.get_submodule(stage).register_forward_hook(keep)
    latents = torch.from_numpy(recipe.normal("mt_lat", (2, 8, 32, 32)))
    audio = torch.from_numpy(positions.added(recipe.normal("mt_aud", (2, 50, 384))))
    with torch.inference_mode():
        made = model(latents, torch.zeros(1, dtype=torch.int64), encoder_hidden_states=audio)
    for stage in stages:
        stored = seen[stage].numpy()
        if stage == "time_embedding":  # computed once here, for all of the batch alike
            stored = np.broadcast_to(stored, (2, 1280))
        parity.check("musetalk_unet", f"tap__{stage}", stored)
    parity.check("musetalk_unet", "pred", made.sample.numpy())


def test_positions_are_the_originals(parity):
    parity.check("musetalk_unet", "pe_table_first50", positions.table(50, 384))
    parity.check(
        "musetalk_unet", "audio_pe", positions.added(recipe.normal("mt_aud", (2, 50, 384)))
    )


def test_boxes_are_the_originals(parity):
    meta = parity.meta("musetalk_bbox")
    random, landmarks = recipe.random("mt_landmarks"), []
    for frame in range(6):
        points = random.uniform(0, 1, (68, 2)) * [120, 150] + [90, 110]
        points[28:31] = [(150, 160.7), (150.2, 172.3), (150.9, 186.9)]
        if frame == 4:
            points[:, 0] -= 200
        landmarks.append(points.astype(np.int32))
    parity.check("musetalk_bbox", "landmarks_int", np.stack(landmarks))
    for shift in (0, 7, -7):
        boxes = [
            compat_crops.face_box(points, found and tuple(found), shift)
            for points, found in zip(landmarks, meta["detections"], strict=True)
        ]
        parity.check("musetalk_bbox", f"boxes_shift{shift}", np.array(boxes))
    low, high = compat_crops.shift_range(landmarks[:5])
    assert f"[ {low}~{high} ]" in meta["range_text"]
    assert compat_crops.with_margin((1, 2, 30, 95), 100) == (1, 2, 30, 100)
    assert compat_crops.with_margin((1, 2, 30, 40), 100) == (1, 2, 30, 50)


def test_all_names_and_ages_of_the_autoencoder(small: Files, tmp_path: Path):
    new = torch.load(small.vae, weights_only=True)
    expected = diffusion.load_vae(small.vae_config, small.vae).state_dict()
    for tensors in (aged(new), aged(new, flat=False)):
        torch.save(tensors, tmp_path / "vae.bin")
        got = diffusion.load_vae(small.vae_config, tmp_path / "vae.bin").state_dict()
        assert all(torch.equal(got[name], tensor) for name, tensor in expected.items())


def test_half_precision_files_stay_half_until_they_are_used(small: Files, tmp_path: Path):
    tensors = {k: v.half() for k, v in torch.load(small.unet, weights_only=True).items()}
    torch.save(tensors, tmp_path / "unet.pth")
    made = diffusion.load_unet(small.unet_config, tmp_path / "unet.pth")
    assert made.dtype == torch.float16


def test_runs_repeat_and_do_not_depend_on_the_batch(small: Files):
    made = LatentNetworks(small, "cpu", "fp32", 1)
    faces = np.stack([recipe.image(f"face{n}", 256, 256) for n in range(2)])
    audio = recipe.normal("aud", (2, 50, 384))
    latents = made.encode(faces)
    assert latents.shape == (2, 8, 32, 32)
    assert np.array_equal(latents, made.encode(faces))
    both = pictures.faces_of(made.paint(latents, audio))
    assert both.shape == (2, 256, 256, 3)
    assert both.dtype == np.uint8
    alone = pictures.faces_of(made.paint(latents[1:], audio[1:]))
    assert np.abs(alone.astype(int) - both[1:]).max() <= 1
    # The sound matters, the hidden half of the face does not.
    other = pictures.faces_of(made.paint(latents, recipe.normal("other", (2, 50, 384))))
    assert np.abs(other.astype(int) - both).max() > 10
    below = faces.copy()
    below[:, 128:] = 0
    assert np.array_equal(made.encode(below)[:, :4], latents[:, :4])
    assert not np.array_equal(made.encode(below)[:, 4:], latents[:, 4:])
    made.close()


def test_drawing_from_the_posterior_follows_its_seed(small: Files):
    made = LatentNetworks(small, "cpu", "fp32", 1)
    face = recipe.image("face0", 256, 256)[None]
    drawn = [made.encode(face, seed) for seed in (1, 1, 2)]
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
    assert not np.array_equal(drawn[0], made.encode(face))


def test_bf16_paints_nearly_the_same(small: Files):
    face, audio = recipe.image("face0", 256, 256)[None], recipe.normal("aud", (1, 50, 384))
    pictured = []
    for precision in ("fp32", "bf16"):
        made = LatentNetworks(small, "cpu", precision, 1)
        pictured.append(pictures.faces_of(made.paint(made.encode(face), audio)).astype(int))
    apart = np.abs(pictured[0] - pictured[1])
    assert 0 < apart.mean() < 4


def test_half_precision_does_not_depend_on_the_batch_either(small: Files):
    """With two threads kernels differ by the batch; batches are filled up so that they do not."""
    made = LatentNetworks(small, "cpu", "bf16", 2)
    face, audio = recipe.image("face0", 256, 256)[None], recipe.normal("aud", (4, 50, 384))
    latents = np.repeat(made.encode(face), 4, axis=0)
    both = made.paint(latents, audio)
    for k in (0, 3):
        alone = made.paint(latents[k : k + 1], audio[k : k + 1])
        assert alone.shape == (1, 3, 256, 256)
        assert np.abs(alone[0] - both[k]).max() < 0.02
    made.close()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"in_channels": 4}, r"takes 4 channels and features of 384"),
        ({"cross_attention_dim": 768}, r"takes 8 channels and features of 768"),
        ({"block_out_channels": [32, 32, 64, 96]}, r"is of another network: .* of another shape"),
        ({"layers_per_block": 3}, r"is of another network: .* missing"),
        ({"down_block_types": ["NoBlock"] * 4}, r"describes no UNet2DConditionModel"),
    ],
)
def test_configurations_that_do_not_fit_are_told(small: Files, tmp_path: Path, change, told: str):
    settings = {**json.loads(small.unet_config.read_text()), **change}
    (tmp_path / "musetalk.json").write_text(json.dumps(settings))
    with pytest.raises(PluginUnavailable, match=told):
        diffusion.load_unet(tmp_path / "musetalk.json", small.unet)


@pytest.mark.parametrize("content", ["", "[1]", "{"])
def test_damaged_configurations_are_told(small: Files, tmp_path: Path, content: str):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(PluginUnavailable, match=r"config\.json .*lipsync|config\.json") as error:
        diffusion.load_vae(tmp_path / "config.json", small.vae)
    assert "lipsync weights pull musetalk" in error.value.hint


def test_files_of_the_other_network_are_refused(small: Files, tmp_path: Path):
    shutil.copy(small.vae, tmp_path / "unet.pth")
    with pytest.raises(PluginUnavailable, match=r"unet\.pth is of another network"):
        diffusion.load_unet(small.unet_config, tmp_path / "unet.pth")


def test_running_out_of_memory_is_told_as_such(small: Files, monkeypatch):
    made = LatentNetworks(small, "cpu", "fp32", 1)

    def fail(*given: object, **named: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(made, "_predicted", fail)
    with pytest.raises(OutOfMemory, match="MuseTalk ran out of GPU memory"):
        made.predict(np.zeros((1, 8, 32, 32), np.float32), np.zeros((1, 50, 384), np.float32))


@pytest.mark.slow
def test_compiled_networks_paint_the_same(small: Files):
    """Two minutes of compiling on a busy core."""
    told = unfit_compiler(OpenContext(device="cpu"))
    if told is not None:
        pytest.skip(told.reason)
    latents, audio = recipe.normal("latents", (2, 8, 32, 32)), recipe.normal("audio", (2, 50, 384))
    plain, quick = (
        LatentNetworks(small, "cpu", "fp32", 1, compile=compile) for compile in (False, True)
    )
    expected, made = plain.paint(latents, audio), quick.paint(latents, audio)
    assert np.abs(made - expected).max() < 1e-3
    quick.close()
    plain.close()


def test_decoding_is_that_of_the_published_network(small: Files):
    """Its doublings are done in another way, with the same sums."""
    made = LatentNetworks(small, "cpu", "fp32", 1)
    published = diffusion.load_vae(small.vae_config, small.vae)
    latents = recipe.normal("latents", (1, 4, 32, 32))
    with torch.inference_mode():
        scaled = torch.from_numpy(latents / np.float32(made._scale))
        expected = published.decode(scaled).sample.numpy()
    assert any(type(m).__name__ == "Doubling" for m in made._vae.decoder.modules())
    assert np.abs(made.decode(latents) - expected).max() < 1e-4 * expected.std()
    made.close()


def test_the_declared_tensors_are_those_of_the_full_networks(parity, vae: Path):
    """`holds` of the spec, against the published shapes."""
    config = parity.meta("musetalk_unet")["config"]
    unet = built(diffusion.UNet2DConditionModel, config, Path("musetalk.json"), "musetalk")
    shapes = {name: tuple(tensor.shape) for name, tensor in unet.state_dict().items()}
    assert len(shapes) == 686
    weights = {weight.path: weight for weight in MUSETALK.weights}
    assert set(weights["musetalkV15/unet.pth"].holds) <= set(shapes.items())
    found = outline.outline(vae / "diffusion_pytorch_model.bin")
    weight = weights["sd-vae/diffusion_pytorch_model.bin"]
    assert weight.holds
    assert outline.differences(weight, found) == []
