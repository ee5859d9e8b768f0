"""The network: names and shapes of the published state dict, the original's numbers, the files users have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lipsync_syncnet.spec import SYNCNET

from lipsync_core.errors import PluginUnavailable
from lipsync_core.testing import recipe


def test_embeddings_are_those_of_the_original(parity, network):
    import torch

    sound = recipe.normal("sv_a", (3, 1, 13, 20), 5.0)
    faces = torch.from_numpy(recipe.uniform("sv_v", (2, 3, 5, 224, 224), 0, 255))
    with torch.inference_mode():
        parity.check("syncnet_v2", "aud", network.embed_sound(torch.from_numpy(sound)).numpy())
        parity.check("syncnet_v2", "lipfeat", network.netcnnlip(faces).flatten(1).numpy())
        parity.check("syncnet_v2", "lip", network.embed_faces(faces).numpy())


def test_the_numbers_are_those_of_the_golden_run(parity, network):
    tensors = network.state_dict()
    assert len(tensors) == 102
    assert sum(t.numel() for t in tensors.values()) == 13_640_270
    for name, first in parity.meta("syncnet_v2")["fingerprint"].items():
        assert tensors[name].flatten()[:4].tolist() == pytest.approx(first, rel=1e-6)


def test_the_tensors_by_which_a_file_is_known_are_the_networks(network):
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    (weights,) = SYNCNET.weights
    assert set(weights.holds) <= set(shapes.items())


def test_pictures_and_sound_are_laid_out_for_it(network, checkpoint: Path):
    """BGR, colours before time, levels as they are; coefficients before time."""
    import torch
    from lipsync_syncnet.embedder import Embedder

    random = np.random.default_rng(4)
    pictures = random.integers(0, 256, (2, 5, 224, 224, 3)).astype(np.uint8)
    rows = random.normal(0, 5, (2, 20, 13)).astype(np.float32)
    embedder = Embedder(checkpoint)
    faces, columns = np.zeros((2, 3, 5, 224, 224), np.float32), np.zeros((2, 1, 13, 20), np.float32)
    for colour in range(3):
        for moment in range(5):
            faces[:, colour, moment] = pictures[:, moment, :, :, 2 - colour]
    for coefficient in range(13):
        columns[:, 0, coefficient] = rows[:, :, coefficient]
    with torch.inference_mode():
        seen = network.embed_faces(torch.from_numpy(faces)).numpy()
        heard = network.embed_sound(torch.from_numpy(columns)).numpy()
    assert np.abs(embedder.embed_faces(pictures) - seen).max() < 1e-4 * seen.std()
    assert np.abs(embedder.embed_sound(rows) - heard).max() < 1e-4 * heard.std()


WRAPPINGS = (
    "legacy",
    "plain",
    "prefixed",
    "nested",
    "safetensors",
    "torchscript",
    "without counters",
)


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_the_files_that_users_may_have(network, tmp_path: Path, wrapping: str):
    import torch
    from lipsync_syncnet.embedder import Embedder

    tensors = network.state_dict()
    path = tmp_path / "syncnet_v2.model"
    if wrapping == "torchscript":
        torch.jit.script(network).save(str(path))
    elif wrapping == "safetensors":
        from safetensors.torch import save_file

        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    else:
        told: dict[str, object] = dict(tensors)
        if wrapping == "prefixed":
            told = {f"module.{name}": tensor for name, tensor in tensors.items()}
        if wrapping == "nested":
            told = {"state_dict": told, "epoch": 3}
        if wrapping == "without counters":
            told = {k: v for k, v in told.items() if not k.endswith("num_batches_tracked")}
        torch.save(told, path, _use_new_zipfile_serialization=wrapping != "legacy")
    rows = np.random.default_rng(4).normal(0, 5, (1, 20, 13)).astype(np.float32)
    with torch.inference_mode():
        wanted = network.embed_sound(torch.from_numpy(rows.transpose(0, 2, 1)[:, None])).numpy()
    assert np.abs(Embedder(path).embed_sound(rows) - wanted).max() < 1e-4


def _broken(checkpoint: Path, path: Path, how: str) -> str:
    """Writes `path`; gives what the sentence tells of it."""
    import torch

    whole = checkpoint.read_bytes()
    if how == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
        return "truncated or damaged"
    if how == "empty":
        path.write_bytes(b"")
        return "is empty"
    if how == "a page":
        path.write_text("<!DOCTYPE html><html><body>Not Found</body></html>")
        return ""
    tensors = torch.load(checkpoint, weights_only=True)
    if how == "half a network":
        torch.save({k: v for k, v in tensors.items() if "lip" in k}, path)
        return "missing"
    if how == "other shapes":
        torch.save(tensors | {"netfcaud.3.weight": torch.zeros(256, 512)}, path)
        return "netfcaud.3.weight is 256x512 instead of 1024x512"
    torch.save({"face_encoder.0.conv_block.0.weight": torch.zeros(32, 15, 7, 7)}, path)
    return "of another network"


BROKEN = ("truncated", "empty", "a page", "half a network", "other shapes", "other network")


@pytest.mark.parametrize("how", BROKEN)
def test_other_files_are_refused_in_one_sentence(checkpoint: Path, tmp_path: Path, how: str):
    from lipsync_syncnet.embedder import Embedder

    path = tmp_path / "syncnet_v2.model"
    told = _broken(checkpoint, path, how)
    with pytest.raises(PluginUnavailable) as error:
        Embedder(path)
    assert told in error.value.message
    assert str(path) in error.value.message
    assert error.value.message.endswith(".") and "\n" not in error.value.message
    assert error.value.hint


def test_a_gpu_that_torch_cannot_use_is_told(checkpoint: Path):
    import torch
    from lipsync_syncnet.embedder import Embedder

    if torch.cuda.is_available():
        pytest.skip("this torch can use the GPU")
    with pytest.raises(PluginUnavailable, match="cannot use the GPU"):
        Embedder(checkpoint, device="cuda")
