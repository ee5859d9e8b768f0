"""The hybrid, with narrow networks of the published architectures: both behind one function."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from lipsync_latentsync.hybrid import KNOWN, Hybrid, _kept
from lipsync_latentsync.hybrid_encoder import BothWindows
from lipsync_latentsync.hybrid_networks import LOWER
from lipsync_latentsync.hybrid_spec import CROP, HYBRID, WHISPER_BOTH
from lipsync_latentsync.mask import mask, on_crops
from lipsync_latentsync.spec import LATENTSYNC15
from lipsync_musetalk.availability import files as musetalk_files
from lipsync_musetalk.encoder import LatentSyncWindows, WhisperWindows
from lipsync_musetalk.networks import LatentNetworks
from lipsync_musetalk.spec import MUSETALK, WHISPER, WHISPER_LATENTSYNC

from lipsync_core.conformance import inputs
from lipsync_core.contracts import Ready, Unavailable
from lipsync_core.errors import Cancelled, GenerationFailed, OutOfMemory, PluginUnavailable
from lipsync_core.records import Chunk, Crops, Generated
from lipsync_core.registry.probing import context_for, probe
from lipsync_core.testing import recipe

FRAMES = 3


@pytest.fixture
def everything(home) -> Path:
    return home("latentsync15", "musetalk", "whisper")


@pytest.fixture(scope="module")
def crops() -> Crops:
    return inputs.crops(CROP, FRAMES)


def opened(**options: object) -> Hybrid:
    generator = Hybrid()
    words = {"steps": "2", "guidance": "1"} | {k: str(v) for k, v in options.items()}
    generator.open(context_for(HYBRID, precision="fp32", options=words, threads=1))
    return generator


def chunk(crops: Crops, rows: str = "rows") -> Chunk:
    return inputs.chunk(crops, recipe.normal(rows, (len(crops), 2, 50, 384)))


def failing(monkeypatch, generator: Hybrid, error: Exception) -> None:
    """LatentSync's UNet raises in every pass."""

    def quick(*given: object) -> None:
        raise error

    monkeypatch.setattr(generator._networks._latentsync._unet, "quick", quick)


def test_the_crop_is_musetalks():
    """Said twice, because this plugin is listed without lipsync-musetalk too."""
    assert MUSETALK.crop == CROP
    shifts = {shift.key for shift in CROP.shifts}
    assert shifts <= {option.key for option in HYBRID.options}


def test_latentsync_makes_the_chunk_and_only_where_its_mask_lies(everything, crops: Crops):
    generator = opened()
    made = generator.generate(chunk(crops))
    assert isinstance(made, Generated)
    assert made.note == "latentsync"
    painted = _kept(crops) == 0
    assert np.array_equal(made.images[_kept(crops) == 1], crops.images[_kept(crops) == 1])
    apart = np.abs(made.images.astype(int) - crops.images)
    assert apart[painted].mean() > 10
    assert generator._networks._musetalk is None, "what nobody asks for is not loaded"
    other = generator.generate(chunk(crops, "other")).images
    assert np.abs(other.astype(int) - made.images)[painted].max() > 8


def test_the_mask_lies_on_the_mouth_of_crops_that_are_not_aligned(crops: Crops):
    """In an aligned crop it is LatentSync's own; in MuseTalk's it covers mouth and chin, not the eyes."""
    aligned = inputs.crops(LATENTSYNC15.crop, 2)
    found = on_crops(aligned, LATENTSYNC15.crop)
    own = 1 - np.abs(found - 0.5) * 2
    assert np.abs(found[:, ::4, ::4].mean() - mask(256).mean()) < 0.01
    assert own.mean() < 0.05
    here = on_crops(crops, LATENTSYNC15.crop)
    for points, kept in zip(crops.landmarks.round().astype(int), here, strict=True):
        assert not kept[points[48:68, 1], points[48:68, 0]].any()
        assert not kept[points[5:12, 1].clip(0, 255), points[5:12, 0]].any()
        assert (kept[points[36:48, 1], points[36:48, 0]] == 1).all()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("index 16 is out of bounds"), "RuntimeError: index 16 is out of bounds"),
        (torch.OutOfMemoryError("CUDA out of memory."), "LatentSync ran out of GPU memory"),
        (MemoryError(), "LatentSync ran out of memory"),
        (RuntimeError("MPS backend out of memory"), "LatentSync ran out of memory"),
    ],
    ids=["exception", "gpu", "cpu", "mps"],
)
def test_musetalk_makes_the_chunk_in_which_latentsync_fails(
    everything, crops: Crops, monkeypatch, error: Exception, told: str
):
    generator = opened()
    failing(monkeypatch, generator, error)
    made = generator.generate(chunk(crops))
    assert made.note == f"musetalk (latentsync: {told})"
    context = context_for(MUSETALK, precision="fp32", threads=1)
    musetalk = LatentNetworks(musetalk_files(context), "cpu", "fp32", 1)
    expected = musetalk.paint(musetalk.encode(crops.images), chunk(crops).features[:, 0])
    levels = np.rint(np.clip(np.moveaxis(expected, 1, 3) / 2 + 0.5, 0, 1) * 255)
    assert np.abs(made.images - levels).max() <= 1, "as MuseTalk alone makes it"


@pytest.mark.parametrize(
    ("spoil", "told"), [(np.nan, "no numbers"), (-50.0, "black pictures")], ids=["nan", "black"]
)
def test_bad_numbers_are_a_failure_of_the_network_that_gave_them(
    everything, crops: Crops, monkeypatch, spoil: float, told: str
):
    """Black: whatever the narrow autoencoder makes of it, the picture is under black."""
    generator = opened()
    networks = generator._networks
    predict, decode = networks.predict, networks.decode
    broken: list[bool] = []

    def predicted(network: str, *given: object) -> np.ndarray:
        broken.append(network == "latentsync")
        return predict(network, *given)

    def decoded(latents: np.ndarray) -> np.ndarray:
        return np.full_like(decode(latents), spoil) if broken[-1] else decode(latents)

    monkeypatch.setattr(networks, "predict", predicted)
    monkeypatch.setattr(networks, "decode", decoded)
    made = generator.generate(chunk(crops))
    assert made.note.startswith("musetalk (latentsync: It gave")
    assert told in made.note


def test_the_next_chunk_is_latentsyncs_again(everything, crops: Crops, monkeypatch):
    generator = opened()
    before = generator.generate(chunk(crops))
    with monkeypatch.context() as once:
        failing(once, generator, ValueError("once"))
        assert generator.generate(chunk(crops)).note.startswith("musetalk (")
    after = generator.generate(chunk(crops))
    assert after.note == "latentsync"
    assert np.array_equal(before.images, after.images)


def test_stopping_is_no_failure(everything, crops: Crops, monkeypatch):
    generator = opened()
    failing(monkeypatch, generator, Cancelled("The run was stopped."))
    with pytest.raises(Cancelled):
        generator.generate(chunk(crops))


def test_both_failing_is_told_with_both_reasons(everything, crops: Crops, monkeypatch):
    generator = opened()
    networks = generator._networks

    def predict(network: str, *given: object) -> np.ndarray:
        raise ValueError(f"{network} is ill")

    monkeypatch.setattr(networks, "predict", predict)
    with pytest.raises(
        GenerationFailed, match=r"latentsync: .*latentsync is ill; musetalk: .*musetalk is ill"
    ):
        generator.generate(chunk(crops))

    def full(network: str, *given: object) -> np.ndarray:
        raise MemoryError

    monkeypatch.setattr(networks, "predict", full)
    with pytest.raises(OutOfMemory, match="Neither network fits"):
        generator.generate(chunk(crops))


def test_without_musetalks_weights_there_is_nothing_to_fall_back_on(
    home, crops: Crops, monkeypatch
):
    home("latentsync15", "whisper")
    told = probe(HYBRID)
    assert isinstance(told, Ready)
    assert "nothing to fall back on" in told.detail
    generator = opened()
    assert generator.generate(chunk(crops)).note == "latentsync"
    failing(monkeypatch, generator, ValueError("ill"))
    with pytest.raises(GenerationFailed, match="MuseTalk's weights are not here") as error:
        generator.generate(chunk(crops))
    assert error.value.hint == "lipsync weights pull musetalk"


def test_without_latentsyncs_weights_it_cannot_run(home):
    home("musetalk", "whisper")
    told = probe(HYBRID)
    assert isinstance(told, Unavailable)
    assert told.hint == "lipsync weights pull latentsync15"
    with pytest.raises(PluginUnavailable, match="the weights of latentsync15"):
        opened()


@pytest.mark.parametrize("content", [b"not torch", None], ids=["damaged", "another network's"])
def test_a_damaged_file_leaves_it_to_musetalk(
    everything: Path, small_files, crops: Crops, content: bytes | None
):
    unet = everything / "weights" / "latentsync15" / "latentsync_unet.pt"
    unet.unlink()
    other = small_files["musetalk/musetalkV15/unet.pth"]
    unet.write_bytes(other.read_bytes() if content is None else content)
    made = opened().generate(chunk(crops))
    assert made.note.startswith("musetalk (latentsync: ")
    assert "latentsync_unet.pt" in made.note
    for file in (everything / "weights" / "musetalk").rglob("unet.pth"):
        file.unlink()
    with pytest.raises(PluginUnavailable, match=r"latentsync_unet.pt"):
        opened()


def test_what_another_autoencoder_prepared_is_made_anew(everything: Path, crops: Crops):
    """The engine keeps it by the files that a spec declares, and the hybrid declares none."""
    generator = opened()
    prepared = generator.prepare(crops)
    expected = generator.generate(chunk(crops)).images
    given = replace(chunk(crops), prepared=prepared)
    assert np.array_equal(generator.generate(given).images, expected)
    stale = prepared | {KNOWN: np.zeros_like(prepared[KNOWN])}
    assert not np.array_equal(generator.generate(replace(given, prepared=stale)).images, expected)
    vae = everything / "weights" / "latentsync15" / "sd-vae-ft-mse" / "diffusion_pytorch_model.bin"
    content = vae.read_bytes()
    vae.unlink()
    vae.write_bytes(content)
    again = opened().generate(replace(given, prepared=stale)).images
    assert np.array_equal(again, expected)


def test_each_network_sees_the_mouth_hidden_in_its_own_way(everything, crops: Crops):
    generator = opened()
    before = generator.prepare(crops)[KNOWN]
    painted = _kept(crops) == 0
    images = np.where(painted[..., None], 255 - crops.images, crops.images).astype(np.uint8)
    after = generator.prepare(replace(crops, images=images))[KNOWN]
    assert before.shape == (FRAMES, 13, 32, 32)
    assert np.array_equal(before[:, 0], after[:, 0])
    assert set(np.unique(before[:, 0])) == {0.0, 1.0}
    assert np.allclose(before[:, 1:5], after[:, 1:5], atol=1e-5)
    assert not np.allclose(before[:, 5:9], after[:, 5:9], atol=1e-2)
    half = crops.images.copy()
    half[:, 128:] = 255 - half[:, 128:]
    lower = generator.prepare(replace(crops, images=half))[KNOWN]
    assert np.array_equal(before[:, LOWER], lower[:, LOWER])


SPECS = {
    BothWindows: WHISPER_BOTH,
    WhisperWindows: WHISPER,
    LatentSyncWindows: WHISPER_LATENTSYNC,
}


def rows_of(encoder, sound: np.ndarray, fps: Fraction, step: int) -> np.ndarray:
    encoder.open(context_for(SPECS[type(encoder)], threads=1))
    stream = encoder.stream(16_000, fps)
    parts = [stream.push(sound[at : at + step]) for at in range(0, len(sound), step)]
    made = np.concatenate([*parts, stream.flush()])
    encoder.close()
    return made


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001)])
def test_it_hears_as_both(home, fps: Fraction):
    home("whisper", "whisper-latentsync")
    sound = recipe.wave("hybrid", 16_000 * 3 + 77)
    both = rows_of(BothWindows(), sound, fps, 7001)
    assert both.shape == (-(-len(sound) * fps // 16_000), 2, 50, 384)
    assert np.array_equal(both[:, 0], rows_of(WhisperWindows(), sound, fps, len(sound)))
    assert np.array_equal(both[:, 1], rows_of(LatentSyncWindows(), sound, fps, len(sound)))
    assert not np.allclose(both[:, 0], both[:, 1], atol=0.1)


def test_the_encoder_says_what_is_missing(home):
    home()
    told = probe(WHISPER_BOTH)
    assert isinstance(told, Unavailable)
    assert "Whisper tiny are not here" in told.reason
    with pytest.raises(PluginUnavailable, match="Whisper tiny are not here"):
        BothWindows().open(context_for(WHISPER_BOTH))
