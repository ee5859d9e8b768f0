"""StableSyncNet: the original's embeddings, and figures that follow the agreement of mouth and voice."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from lipsync_latentsync import syncnet_network
from lipsync_latentsync.syncnet_embedder import Embedder
from lipsync_latentsync.syncnet_scorer import StableSyncNetScorer
from lipsync_latentsync.syncnet_spec import COLUMNS, FRAMES, STABLE_SYNCNET

from lipsync_core.conformance import inputs
from lipsync_core.contracts import Ready, Unavailable
from lipsync_core.errors import PluginFault, PluginUnavailable
from lipsync_core.records import Crops, Scores
from lipsync_core.registry.probing import context_for, probe
from lipsync_core.testing import recipe
from lipsync_core.voice.mel import BANDS

NAME = "stable_syncnet"


@pytest.mark.slow
def test_embeddings_are_the_originals(parity):
    """401 million numbers, 1.6 GB."""
    with torch.device("meta"):
        network = syncnet_network.StableSyncNet()
    filled = recipe.weights(network.state_dict(), parity.meta(NAME))
    assert len(filled) == 266
    assert sum(value.size for value in filled.values()) == 401_306_080
    tensors = {name: torch.from_numpy(filled.pop(name)) for name in list(filled)}
    network.load_state_dict(tensors, assign=True)
    network.eval()
    faces = torch.from_numpy(recipe.uniform("ss_v", (1, 48, 128, 256), -1, 1))
    mel = torch.from_numpy(np.clip(recipe.normal("ss_a", (1, 1, 80, 52), 2.0), -4, 4))
    with torch.inference_mode():
        vision, audio = network.embed_faces(faces), network.embed_sound(mel)
    parity.check(NAME, "vision", vision.numpy())
    parity.check(NAME, "audio", audio.numpy())
    parity.check(NAME, "cosine", (vision * audio).sum(1).numpy())


def test_a_checkpoint_is_read_with_its_widths_and_others_are_named(syncnet_file: Path, tmp_path):
    network = syncnet_network.load(syncnet_file)
    assert network.visual_encoder.norm_out.num_channels == 64
    assert not any(p.requires_grad for p in network.parameters())
    for content in (
        {"weight": torch.zeros(3)},
        {"audio_encoder.down_blocks.0.conv2.weight": torch.zeros(7, 7, 3, 3)},
    ):
        other = tmp_path / "other.pt"
        torch.save({"state_dict": content, "global_step": 1}, other)
        with pytest.raises(PluginUnavailable, match="not StableSyncNet"):
            syncnet_network.load(other)


def test_the_lower_half_of_the_squeezed_face_is_seen(syncnet_file: Path):
    embedder = Embedder(syncnet_file)
    crops = np.zeros((1, 280, 210, 3), np.uint8)
    crops[:, 140:] = 200
    assert (embedder.lower(crops)[0, 8:] == 200).all()
    windows = np.random.default_rng(0).integers(0, 256, (2, FRAMES, 128, 256, 3), np.uint8)
    found = embedder.embed_faces(windows)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert not np.allclose(found[0], found[1], atol=1e-3)
    assert np.abs(embedder.embed_faces(windows[:1])[0] - found[0]).max() < 1e-5
    sound = embedder.embed_sound(recipe.normal("mel", (2, BANDS, COLUMNS)))
    assert sound.shape == found.shape


class Pairs:
    """Stands for the network: a window's embedding is the position that its first picture or column tells."""

    shape = (1, 1, 3)

    def __init__(self, later: int) -> None:
        self._later = later

    def lower(self, images: np.ndarray) -> np.ndarray:
        return images[:, :1, :1]

    def embed_faces(self, windows: np.ndarray) -> np.ndarray:
        return np.stack([one_hot(int(w[0, 0, 0, 0]) + self._later) for w in windows])

    def embed_sound(self, windows: np.ndarray) -> np.ndarray:
        made = [one_hot(self._heard + n) for n in range(len(windows))]
        self._heard += len(windows)
        return np.stack(made)

    _heard = 0


def one_hot(position: int) -> np.ndarray:
    made = np.zeros(512, np.float32)
    made[position] = 1.0
    return made


def scored(embedder: object, crops: Crops, samples: np.ndarray, pieces: Sequence[int]) -> Scores:
    scorer = StableSyncNetScorer()
    scorer._network = embedder  # type: ignore[assignment]
    stream = scorer.stream()
    edges = [0, *pieces, len(crops)]
    for a, b in pairwise(edges):
        stream.push(inputs.piece(crops, a, b), samples[a * 640 : b * 640])
    return stream.finish()


def numbered(count: int) -> Crops:
    """Crops whose pixels tell their numbers."""
    crops = inputs.crops(STABLE_SYNCNET.crop, 1)
    images = np.repeat(np.arange(count, dtype=np.uint8), 12).reshape(count, 2, 2, 3)
    many = {"frames": np.arange(count), "images": images}
    repeated = {
        name: np.repeat(getattr(crops, name), count, axis=0) for name in ("matrices", "landmarks")
    }
    return Crops(track=0, scheme=crops.scheme, **many, **repeated)


@pytest.mark.parametrize("later", [-7, 0, 11])
@pytest.mark.parametrize(
    "pieces", [(), (3, 20, 41), tuple(range(1, 100))], ids=["one", "some", "many"]
)
def test_the_offset_is_found(later: int, pieces: Sequence[int]):
    crops, sound = numbered(100), recipe.wave("s", 64_000)
    found = scored(Pairs(later), crops, sound, pieces)
    assert found.figures["offset"] == later
    assert found.figures["agreement"] == (1.0 if later == 0 else 0.0)
    assert found.figures["in_sync"] == found.figures["agreement"]
    curve = found.curves["agreement"]
    assert curve.shape == (100,)
    # Windows from 0 to 84, every fourth, and all of them have their sound.
    assert np.flatnonzero(np.isfinite(curve)).tolist() == list(range(8, 93, 4))


def test_too_little_has_no_figures(syncnet_file: Path):
    short = scored(Pairs(0), numbered(FRAMES - 1), recipe.wave("s", 9600), ())
    silent = scored(Pairs(0), numbered(FRAMES), np.zeros(0, np.float32), ())
    assert short.figures == silent.figures == {}
    assert np.isnan(short.curves["agreement"]).all()
    enough = scored(Pairs(0), numbered(FRAMES), recipe.wave("s", FRAMES * 640), ())
    assert enough.figures["agreement"] == 1.0


def test_it_says_what_is_missing(home, syncnet_file: Path, own_home):
    home()
    told = probe(STABLE_SYNCNET)
    assert isinstance(told, Unavailable)
    assert "lipsync weights pull stable-syncnet" in told.hint
    scorer = StableSyncNetScorer()
    with pytest.raises(PluginUnavailable, match="its weights are not here"):
        scorer.open(context_for(STABLE_SYNCNET))
    with pytest.raises(PluginFault, match="before it was opened"):
        scorer.stream()
    own_home({"stable-syncnet/stable_syncnet.pt": syncnet_file})
    assert isinstance(probe(STABLE_SYNCNET), Ready)
    assert "bf16" in probe(STABLE_SYNCNET, context_for(STABLE_SYNCNET, precision="bf16")).reason


def test_names_are_those_of_the_published_file():
    """Of each encoder the stages in their order, with attention as a block of its own in between."""
    with torch.device("meta"):
        names = set(syncnet_network.StableSyncNet().state_dict())
    assert "visual_encoder.down_blocks.5.attn.to_out.0.weight" in names
    assert "audio_encoder.down_blocks.8.downsample_conv.weight" in names
    assert "audio_encoder.down_blocks.5.downsample_conv.weight" in names
    assert "audio_encoder.down_blocks.3.downsample_conv.weight" not in names
