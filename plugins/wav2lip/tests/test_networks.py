"""Both networks: names and shapes of the published state dicts, and the original's numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from lipsync_wav2lip import expert
from lipsync_wav2lip.expert import Expert
from lipsync_wav2lip.network import FaceNetwork
from lipsync_wav2lip.spec import EXPERT_TENSORS, GENERATOR_TENSORS
from lipsync_wav2lip.torch_runtime import folded

from lipsync_core.errors import PluginUnavailable
from lipsync_core.testing import recipe

GOLDEN = "wav2lip_generator"


@pytest.fixture(scope="module")
def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    mel = np.clip(recipe.normal("w2l_mel", (3, 1, 80, 16), 2.0), -4, 4)
    return torch.from_numpy(mel), torch.from_numpy(recipe.uniform("w2l_img", (3, 6, 96, 96)))


def test_generator_gives_the_originals_numbers_stage_by_stage(parity, fill, inputs):
    network = FaceNetwork().eval()
    network.load_state_dict(fill(network, GOLDEN), strict=True)
    taps: dict[str, np.ndarray] = {}
    names = ["audio_encoder"]
    names += [f"face_{way}coder_blocks.{k}" for way in ("en", "de") for k in range(7)]
    for name in names:
        network.get_submodule(name).register_forward_hook(
            lambda module, given, made, name=name: taps.update({name: made.numpy().copy()})
        )
    with torch.inference_mode():
        made = network(*inputs).numpy()
    parity.check(GOLDEN, "pred", made)
    assert len(taps) == 15
    for name, tap in taps.items():
        parity.check(GOLDEN, f"tap__{name}", tap)


def test_a_published_checkpoint_loads_and_folding_only_rounds(parity, inputs, checkpoint: Path):
    network = folded(checkpoint)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules())
    with torch.inference_mode():
        made = network(*inputs).numpy()
    parity.check(GOLDEN, "pred", made)


def test_declared_tensors_are_those_of_the_networks(expert_checkpoint: Path, checkpoint: Path):
    for path, declared, other in (
        (checkpoint, GENERATOR_TENSORS, EXPERT_TENSORS),
        (expert_checkpoint, EXPERT_TENSORS, GENERATOR_TENSORS),
    ):
        stored = torch.load(path, weights_only=True)["state_dict"]
        assert all(tuple(stored[f"module.{name}"].shape) == shape for name, shape in declared)
        assert any(f"module.{name}" not in stored for name, _ in other)


def test_the_experts_checkpoint_is_refused_as_a_generator(expert_checkpoint: Path):
    with pytest.raises(PluginUnavailable) as error:
        folded(expert_checkpoint)
    assert expert_checkpoint.name in error.value.message


def test_expert_gives_the_originals_embeddings(parity, expert_checkpoint: Path):
    judge = Expert(expert_checkpoint)
    mel = np.clip(recipe.normal("w2ls_mel", (3, 1, 80, 16), 2.0), -4, 4)
    faces = torch.from_numpy(recipe.uniform("w2ls_face", (3, 15, 48, 96)))
    with torch.inference_mode():  # the golden faces are no 8-bit pictures: past the conversion
        seen = judge._network.embed_faces(faces).numpy()
    heard = judge.embed_mel(mel[:, 0])
    golden = "wav2lip_syncnet_color"
    parity.check(golden, "audio_emb", heard)
    parity.check(golden, "face_emb", seen)
    parity.check(golden, "cosine", expert.cosine(seen, heard))
    apart = expert.distance(seen, heard)
    assert np.allclose(apart**2, 2 - 2 * expert.cosine(seen, heard), atol=1e-5)


def test_expert_looks_at_the_lower_half_of_five_frames_in_bgr(expert_checkpoint: Path):
    judge = Expert(expert_checkpoint)
    crops = recipe.image("expert", 96 * 5, 96).reshape(1, 5, 96, 96, 3)
    row = judge.embed_faces(crops)
    assert row.shape == (1, 512)
    stack = [crops[0, k, 48:, :, 2 - c] / 255 for k in range(5) for c in range(3)]
    with torch.inference_mode():
        by_hand = judge._network.embed_faces(torch.from_numpy(np.float32(stack)[None])).numpy()
    assert np.abs(row - by_hand).max() < 1e-5
    above = crops.copy()
    above[:, :, :48] = 0
    assert np.array_equal(judge.embed_faces(above), row)
    swapped = np.ascontiguousarray(crops[:, ::-1])
    assert not np.allclose(judge.embed_faces(swapped), row, atol=1e-4)


def test_expert_takes_any_number(expert_checkpoint: Path):
    judge = Expert(expert_checkpoint)
    assert judge.embed_mel(np.zeros((0, 80, 16), np.float32)).shape == (0, 512)
    many = np.random.default_rng(0).uniform(-4, 4, (35, 80, 16)).astype(np.float32)
    rows = judge.embed_mel(many)
    assert np.abs(rows[33] - judge.embed_mel(many[33:34])[0]).max() < 1e-5
