"""What frames hear beside AVE: mel, visemes, HuBERT, WeNet; rows at their times, live and from files."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from lipsync_synctalk2d import own_features, spec
from lipsync_synctalk2d.around import Around, spread
from lipsync_synctalk2d.other_features import FileRows, OtherFeatures, Wenet, rows_in
from lipsync_synctalk2d.own_features import MelAround, VisemeAround

from lipsync_core.contracts import FeatureStream, Ready, Unavailable
from lipsync_core.errors import PluginFault, PluginUnavailable
from lipsync_core.registry import Registry
from lipsync_core.registry.probing import context_for, probe
from lipsync_core.specs import AudioEncoderSpec
from lipsync_core.testing import recipe
from lipsync_core.voice.mel import SILENT

RATE = 16_000
SOUND = recipe.wave("features", 2 * RATE + 77).astype(np.float32)


class Ticks(FeatureStream):
    """Row k is k; in place of a network."""

    def __init__(self, clock: Fraction) -> None:
        self._clock, self._samples, self._given = clock, 0, 0

    def push(self, samples: np.ndarray) -> np.ndarray:
        self._samples += len(samples)
        return self._until(int(self._samples * self._clock / RATE))

    def flush(self) -> np.ndarray:
        return self._until(-(-self._samples * self._clock.numerator // RATE))

    def _until(self, end: int) -> np.ndarray:
        made = np.arange(self._given, end, dtype=np.float32)[:, None]
        self._given = end
        return made


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001), Fraction(60), Fraction(1)])
@pytest.mark.parametrize("piece", [160, 4001, 10**6])
def test_rows_are_those_of_the_times_around_a_frame(fps: Fraction, piece: int):
    offsets = spread(16, 8, 25)
    outside = np.array([-1.0], np.float32)
    stream = Around(
        Ticks(Fraction(100)), Fraction(100), RATE, fps, offsets, outside, lambda rows: rows[..., 0]
    )
    made = [stream.push(SOUND[at : at + piece]) for at in range(0, len(SOUND), piece)]
    rows = np.concatenate([*made, stream.flush()])
    assert len(rows) == -(-len(SOUND) * fps.numerator // (RATE * fps.denominator))
    last = -(-len(SOUND) * 100 // RATE)
    for frame, row in enumerate(rows):
        times = [frame / fps + offset for offset in offsets]
        wanted = [round(float(t * 100)) if t >= 0 else -1 for t in times]
        wanted = [w if w < last else -1 for w in wanted]
        assert np.abs(row - wanted).max() <= (0 if fps == 25 else 1)


def whole(encoder: type[own_features.OwnFeatures], name: str) -> np.ndarray:
    opened = encoder()
    opened.open(context_for(Registry.load().get(AudioEncoderSpec, name), threads=1))
    stream = opened.stream(RATE, Fraction(25))
    rows = np.concatenate([stream.push(SOUND), stream.flush()])
    opened.close()
    return rows


def inner(name: str, fps: int) -> np.ndarray:
    from lipsync_core.registry import create

    found = Registry.load().get(AudioEncoderSpec, name)
    encoder = create(found)
    encoder.open(context_for(found, threads=1))
    stream = encoder.stream(RATE, Fraction(fps))
    return np.concatenate([stream.push(SOUND), stream.flush()])


def test_mel_is_the_spectrum_around_a_frame_folded_into_planes():
    rows, windows = whole(MelAround, "synctalk2d-mel"), inner("mel", 25)
    assert rows.shape == (51, 20, 16, 16)
    for frame in (12, 30):
        picture = np.concatenate([windows[frame + k] for k in (-10, -5, 0, 5)], axis=1)
        for plane in range(20):
            assert np.array_equal(rows[frame, plane], picture[plane // 4 :: 5, plane % 4 :: 4])
    assert (rows[0][:, :, :8] == SILENT).all()  # before the beginning


def test_visemes_are_curves_over_time():
    rows, weights = whole(VisemeAround, "synctalk2d-viseme"), inner("viseme", 100)[::4]
    assert rows.shape == (51, 23, 16, 1)
    for frame in (10, 25, 40):
        assert np.abs(rows[frame, :, :, 0].T - weights[frame - 8 : frame + 8]).max() < 1e-6
    assert (rows[0, :, :8] == 0).all()


def test_files_of_features_are_read_at_their_own_rate(tmp_path: Path):
    numbers = np.arange(60, dtype=np.float32)
    np.save(tmp_path / "aud_hu.npy", np.repeat(numbers, 2048).reshape(60, 2, 1024))
    np.save(tmp_path / "aud_wenet.npy", np.repeat(numbers, 8192).reshape(60, 16, 512))
    for encoder, name, file, rate, shape in (
        (OtherFeatures, "synctalk2d-hubert", "aud_hu.npy", 25, (32, 32, 32)),
        (Wenet, "synctalk2d-wenet", "aud_wenet.npy", 20, (256, 16, 32)),
    ):
        found = Registry.load().get(AudioEncoderSpec, name)
        context = context_for(found, options={"file": str(tmp_path / file)})
        assert isinstance(probe(found, context), Ready)
        opened = encoder()
        opened.open(context)
        stream = opened.stream(RATE, Fraction(rate))
        rows = np.concatenate(
            [stream.push(SOUND[:9000]), stream.push(SOUND[9000:]), stream.flush()]
        )
        assert rows.shape[1:] == shape
        heard = rows.reshape(len(rows), 16, -1)
        assert heard[20, :, 0].tolist() == list(range(12, 28))
        assert (heard[0, :8] == 0).all()
        opened.close()


def test_bad_files_of_features_are_told(tmp_path: Path):
    def why(path: Path) -> str:
        found = rows_in(path, (2, 1024))
        assert isinstance(found, Unavailable)
        return found.reason

    assert "cannot be read" in why(tmp_path / "absent.npy")
    (tmp_path / "text.npy").write_text("no numbers")
    assert "it is no .npy file" in why(tmp_path / "text.npy")
    np.save(tmp_path / "ave.npy", np.zeros((9, 512), np.float32))
    assert "holds 512 numbers a frame, and 2048 are wanted" in why(tmp_path / "ave.npy")
    np.save(tmp_path / "flat.npy", np.zeros(9, np.float32))
    assert "holds no rows" in why(tmp_path / "flat.npy")
    with pytest.raises(PluginFault, match="before they were opened"):
        OtherFeatures().stream(RATE, Fraction(25))


def test_without_file_and_network_it_is_said_what_to_get(home):
    home()
    for name, words in (
        ("synctalk2d-hubert", ("option file=PATH",)),
        ("ultralight-hubert", ("option file=PATH",)),
        ("synctalk2d-wenet", ("WeNet's encoder is not available", "option file=PATH")),
        ("ultralight-wenet", ("WeNet's encoder is not available", "option file=PATH")),
    ):
        found = Registry.load().get(AudioEncoderSpec, name)
        told = probe(found)
        assert isinstance(told, Unavailable)
        assert all(word in f"{told.reason} {told.hint}" for word in words)
    opened = OtherFeatures()
    with pytest.raises(PluginUnavailable):
        opened.open(context_for(spec.SYNCTALK2D_HUBERT))


def test_a_file_that_ends_before_the_voice_gives_silence_from_there_on():
    stream = FileRows(np.ones((10, 2, 1024), np.float32), Fraction(25), RATE)
    rows = [stream.push(SOUND), stream.flush()]
    assert sum(map(len, rows)) == 10


@pytest.fixture(scope="module")
def hubert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as published, of a network with one small layer, under the names of the CTC checkpoint."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    config = transformers.HubertConfig(
        hidden_size=1024,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=16,
        conv_dim=(8,) * 7,
        conv_bias=True,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=16,
    )
    torch.manual_seed(0)
    network = transformers.HubertModel(config).eval()
    tensors = {}
    for name, tensor in network.state_dict().items():
        old = name.replace("parametrizations.weight.original0", "weight_g")
        old = old.replace("parametrizations.weight.original1", "weight_v")
        tensors[f"hubert.{old}"] = tensor
    tensors["lm_head.weight"] = torch.zeros(32, 1024)
    folder = tmp_path_factory.mktemp("hubert")
    torch.save(tensors, folder / "pytorch_model.bin")
    config.to_json_file(folder / "config.json")
    return folder


def test_hubert_runs_from_the_published_folder(home, hubert: Path):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    names = ("config.json", "pytorch_model.bin")
    home({f"synctalk2d-hubert/{name}": hubert / name for name in names})
    for found, kind, shape in (
        (spec.SYNCTALK2D_HUBERT, OtherFeatures, (32, 32, 32)),
        (spec.ULTRALIGHT_HUBERT, None, (16, 32, 32)),  # finds the same files
    ):
        context = context_for(found, device="cpu", threads=1)
        assert probe(found, context) == Ready(detail="HuBERT on cpu")
        if kind is None:
            continue
        opened = kind()
        opened.open(context)
        stream = opened.stream(RATE, Fraction(25))
        rows = np.concatenate([stream.push(SOUND), stream.flush()])
        assert rows.shape == (51, *shape)
        opened.close()
    transformers = pytest.importorskip("transformers")
    network = transformers.HubertModel(transformers.HubertConfig.from_pretrained(hubert)).eval()
    tensors = torch.load(hubert / "pytorch_model.bin", weights_only=True)
    old = {
        "weight_g": "parametrizations.weight.original0",
        "weight_v": "parametrizations.weight.original1",
    }
    for name in [n for n in tensors if n.rpartition(".")[2] in old]:
        head, _, leaf = name.rpartition(".")
        tensors[f"{head}.{old[leaf]}"] = tensors.pop(name)
    del tensors["lm_head.weight"]
    network.load_state_dict({n.removeprefix("hubert."): t for n, t in tensors.items()}, strict=True)
    even = (SOUND - SOUND.mean()) / np.sqrt(SOUND.var() + 1e-7)
    with torch.inference_mode():
        expected = network(torch.from_numpy(even[None])).last_hidden_state[0].numpy()
    assert len(expected) == (len(SOUND) - 80) // 320
    heard = rows.reshape(51, 16, 2, 1024)
    assert np.abs(heard[20].reshape(32, 1024) - expected[24:56]).max() < 1e-4


def test_hubert_hears_twenty_seconds_at_a_time(hubert: Path):
    pytest.importorskip("transformers")
    from lipsync_synctalk2d.hubert import KERNEL, PIECE, STEP, HubertRows

    asked: list[int] = []

    def encode(sound: np.ndarray) -> np.ndarray:
        asked.append(len(sound))
        return np.zeros(((len(sound) - 80) // 320, 1024), np.float32)

    stream = HubertRows(encode)
    long = np.zeros(int(45.3 * RATE), np.float32)
    rows = sum(len(stream.push(long[at : at + 4000])) for at in range(0, len(long), 4000))
    assert rows == 1000
    rows += len(stream.flush())
    assert asked == [PIECE + KERNEL - STEP] * 2 + [len(long) - 2 * PIECE]
    assert rows == -(-((len(long) - 80) // 320) // 2)
