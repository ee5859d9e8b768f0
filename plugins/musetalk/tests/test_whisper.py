"""Whisper's features are the originals', from every layout of the weights, and follow every frame rate."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from lipsync_musetalk import compat, whisper_mel
from lipsync_musetalk.encoder import LATENTSYNC, MUSETALK, WindowStream, whole_rows
from lipsync_musetalk.frame_windows import FrameWindows, first_row
from lipsync_musetalk.spec import WHISPER, WHISPER_LATENTSYNC
from lipsync_musetalk.whisper_rows import OVERLAPPING, ROW, RowStream
from lipsync_musetalk.whisper_runtime import WhisperRuntime

from lipsync_core.contracts import AudioEncoder, Ready, Unavailable
from lipsync_core.errors import OutOfMemory, PluginFault, PluginUnavailable
from lipsync_core.registry import create
from lipsync_core.registry.probing import context_for, probe
from lipsync_core.testing import recipe

PROBE = 10.0 * (1 + np.arange(1500))[:, None] + np.arange(5)
"""The stored probes of indices: ten times (1 + row of its segment) plus layer; 0 is padding."""
RATES = (25, 30, 24, 23.976, 48)


@pytest.fixture(scope="module")
def musetalk(whisper_files: dict[str, Path]) -> WhisperRuntime:
    return WhisperRuntime(whisper_files["pytorch_model.bin"], "cpu", 1)


@pytest.fixture(scope="module")
def latentsync(whisper_files: dict[str, Path]) -> WhisperRuntime:
    return WhisperRuntime(whisper_files["tiny.pt"], "cpu", 1)


def named(fps: float) -> str:
    return f"fps{fps}".replace(".", "p")


def windows(rows: np.ndarray, fps: Fraction, outside: str, frames: int) -> np.ndarray:
    made = FrameWindows(fps, outside)  # type: ignore[arg-type]
    return np.concatenate([made.push(rows), made.flush(frames)])


def test_musetalk_hears_as_the_original(parity, musetalk: WhisperRuntime):
    sound = recipe.wave("mt_wav", 52_960)
    mel = whisper_mel.padded_before(sound)
    parity.check("musetalk_whisper", "mel", mel[None])
    layers = musetalk.layers(mel[None], normed=True)
    parity.check("musetalk_whisper", "hs_stack", layers[:, :200])
    rows = layers[0, : len(sound) // ROW]
    for fps in RATES:
        found = compat.musetalk_windows(rows, len(sound), fps).reshape(-1, 50, 384)
        parity.check("musetalk_whisper", f"chunks_{named(fps)}", found)
    # What a run gives is the same at 25 frames a second, and has the last, begun frame as well.
    stream = WindowStream(musetalk, MUSETALK, OVERLAPPING, Fraction(25))
    streamed = np.concatenate([stream.push(sound), stream.flush()])
    assert len(streamed) == 83
    parity.check("musetalk_whisper", "chunks_fps25", streamed[:82])


@pytest.mark.parametrize("fps", RATES)
def test_musetalks_windows_begin_where_the_originals_do(parity, fps: float):
    rows = PROBE[: 52_960 // ROW]
    found = compat.musetalk_windows(rows, 52_960, fps).reshape(-1, 50).astype(np.int64)
    parity.check("musetalk_whisper", f"index_probe_{named(fps)}", found)


def test_musetalks_rows_start_anew_every_30_seconds(parity):
    heard = []

    def hear(sound: np.ndarray) -> np.ndarray:
        heard.append(len(sound))
        rows = PROBE[: len(sound) // ROW, :, None]
        return np.broadcast_to(rows, (*rows.shape[:2], 384)).astype(np.float32)

    from lipsync_musetalk.whisper_rows import SEGMENTS

    samples = 31 * 16_000
    stream = RowStream(hear, SEGMENTS)
    rows = np.concatenate([stream.push(np.zeros(samples, np.float32)), stream.flush()])
    found = compat.musetalk_windows(rows[..., 0], samples, 25).reshape(-1, 50).astype(np.int64)
    counts = np.array([len(heard), len(found)])
    parity.check("musetalk_whisper", "long_counts", counts)
    parity.check("musetalk_whisper", "long_index_probe", found[-45:])


def test_latentsync_hears_as_the_original(parity, latentsync: WhisperRuntime):
    sound = recipe.wave("ls_wav", 40_077)
    parity.check("latentsync_whisper", "logmel", whisper_mel.log_mel(sound))
    rows = whole_rows(latentsync, sound, normed=False)
    parity.check("latentsync_whisper", "feat", rows)
    found = compat.latentsync_windows(rows, 25).reshape(-1, 50, 384)
    parity.check("latentsync_whisper", "chunks", found)
    numbers = np.arange(len(rows))
    indices = compat.latentsync_windows(numbers, 25)
    parity.check("latentsync_whisper", "index_probe", indices)
    parity.check("latentsync_whisper", "counts", np.array([len(rows), len(indices)]))
    stream = WindowStream(latentsync, LATENTSYNC, OVERLAPPING, Fraction(25))
    streamed = np.concatenate([stream.push(sound), stream.flush()])
    assert len(streamed) == 63
    assert np.abs(streamed - found[:63]).max() < 1e-4


def test_latentsyncs_hard_seam(parity, home, whisper_files, latentsync: WhisperRuntime):
    sound = recipe.wave("ls_long", 33 * 16_000)
    rows = whole_rows(latentsync, sound, normed=False)
    mel = whisper_mel.log_mel(sound)
    count = len(compat.latentsync_windows(np.arange(len(rows)), 25))
    counts = np.array([mel.shape[1], len(rows), count])
    parity.check("latentsync_whisper", "long_counts", counts)
    parity.check("latentsync_whisper", "long_feat_tail", rows[1490:1520])
    home("whisper-latentsync", {"tiny.pt": whisper_files["tiny.pt"]})
    encoder = opened(WHISPER_LATENTSYNC, compat="true")
    stream = encoder.stream(16_000, Fraction(25))
    found = np.concatenate([stream.push(sound[:100_000]), stream.push(sound[100_000:])])
    assert len(found) == 0
    assert np.abs(stream.flush() - windows(rows, Fraction(25), "edge", 825)).max() < 1e-4
    encoder.close()


def test_mel_is_librosas():
    librosa = pytest.importorskip("librosa")
    sound = recipe.wave("mt_wav", 32_123)
    power = np.abs(librosa.stft(sound, n_fft=400, hop_length=160, pad_mode="reflect")) ** 2
    bands = librosa.filters.mel(sr=16_000, n_fft=400, n_mels=80, fmin=0, fmax=8000)
    level = np.log10(np.maximum(bands @ power, 1e-10))[:, :200]
    expected = (np.maximum(level, level.max() - 8.0) + 4.0) / 4.0
    assert np.abs(whisper_mel.log_mel(sound) - expected).max() < 1e-4


@pytest.mark.parametrize("name", ["model.safetensors", "tiny.pt"])
def test_every_layout_gives_the_same_network(whisper_files, musetalk, latentsync, name: str):
    mel = recipe.normal("mel", (1, 80, 3000))
    expected = (latentsync if name == "tiny.pt" else musetalk).layers(mel, normed=True)
    made = WhisperRuntime(whisper_files[name], "cpu", 1).layers(mel, normed=True)
    assert np.array_equal(made, expected)
    assert not np.array_equal(made, latentsync.layers(mel, normed=False))


def test_half_precision_files_are_widened(whisper_files, latentsync, tmp_path: Path):
    """OpenAI's file holds half precision."""
    told = torch.load(whisper_files["tiny.pt"], weights_only=True)
    told["model_state_dict"] = {k: v.half() for k, v in told["model_state_dict"].items()}
    torch.save(told, tmp_path / "tiny.pt")
    mel = recipe.normal("mel", (1, 80, 3000))
    made = WhisperRuntime(tmp_path / "tiny.pt", "cpu", 1).layers(mel, normed=False)
    assert made.dtype == np.float32
    assert 0 < np.abs(made - latentsync.layers(mel, normed=False)).max() < 0.1


@pytest.mark.parametrize(
    "fps", [Fraction(25), Fraction(24000, 1001), Fraction(30000, 1001), Fraction(50), Fraction(60)]
)
def test_windows_stay_with_their_frames_for_hours(fps: Fraction):
    """No window is further than half a row from 80 ms before its frame, after four hours either."""
    for frame in [*range(200), int(4 * 3600 * fps)]:
        apart = Fraction(first_row(frame, fps) + 4, 50) - frame / fps
        assert abs(apart) <= Fraction(1, 100)
    if fps == 25:
        assert [first_row(n, fps) for n in (0, 1, 2)] == [-4, -2, 0]


@pytest.mark.parametrize("fps", [Fraction(24000, 1001), Fraction(50), Fraction(60000, 1001)])
@pytest.mark.parametrize("outside", ["zeros", "edge"])
def test_windows_hold_the_rows_of_their_time(fps: Fraction, outside: str):
    numbers = np.arange(1, 401, dtype=np.float32)
    rows = np.broadcast_to(numbers[:, None, None], (400, 5, 384))
    frames = int(8 * fps)
    whole = windows(rows, fps, outside, frames)
    stream = FrameWindows(fps, outside)  # type: ignore[arg-type]
    pieces = np.concatenate([*(stream.push(rows[a : a + 7]) for a in range(0, 400, 7)),
                             stream.flush(frames)])  # fmt: skip
    assert np.array_equal(whole, pieces)
    for frame in range(frames):
        wanted = first_row(frame, fps) + np.arange(10)
        inside = (wanted >= 0) & (wanted < 400)
        expected = numbers[np.clip(wanted, 0, 399)]
        if outside == "zeros":
            expected = np.where(inside, expected, 0.0)
        assert np.array_equal(whole[frame].reshape(10, 5, 384)[:, 2, 7], expected)


def opened(spec, **options: str) -> AudioEncoder:
    encoder = create(spec)
    assert isinstance(encoder, AudioEncoder)
    encoder.open(context_for(spec, options=options, threads=1))
    return encoder


def test_the_probe_says_which_file(home, whisper_files: dict[str, Path], monkeypatch):
    home()
    told = probe(WHISPER)
    assert isinstance(told, Unavailable)
    assert "pytorch_model.bin or model.safetensors or tiny.pt" in told.reason
    assert told.hint == "lipsync weights pull whisper"
    told = probe(WHISPER_LATENTSYNC)
    assert isinstance(told, Unavailable)
    assert told.hint == "lipsync weights pull whisper-latentsync"
    with pytest.raises(PluginUnavailable, match=r"Whisper cannot run: its weights are not here"):
        opened(WHISPER)
    for name in ("tiny.pt", "model.safetensors", "pytorch_model.bin"):
        home("whisper", {name: whisper_files[name]})
        assert probe(WHISPER) == Ready(detail=f"{name} on cpu")
    context = context_for(WHISPER, options={"compat": "true"})
    assert probe(WHISPER, context) == Ready(detail="pytorch_model.bin on cpu, hard 30 s segments")


def test_files_below_a_whisper_folder_are_found(home, whisper_files: dict[str, Path]):
    home("whisper", {"whisper/tiny.pt": whisper_files["tiny.pt"]})
    assert probe(WHISPER) == Ready(detail="tiny.pt on cpu")


def test_other_networks_are_refused(home, tmp_path: Path, whisper_files):
    told = torch.load(whisper_files["tiny.pt"], weights_only=True)["model_state_dict"]
    small = {k: torch.zeros([2 * n if n == 384 else n for n in v.shape]) for k, v in told.items()}
    torch.save({"dims": {}, "model_state_dict": small}, tmp_path / "tiny.pt")
    home("whisper", {"tiny.pt": tmp_path / "tiny.pt"})
    with pytest.raises(PluginUnavailable, match="is of another network"):
        opened(WHISPER)


def test_running_out_of_memory_is_told_as_such(whisper_files, monkeypatch):
    runtime = WhisperRuntime(whisper_files["tiny.pt"], "cpu", 1)

    def fail(*given: object) -> None:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried")

    monkeypatch.setattr(runtime, "_network", fail)
    with pytest.raises(OutOfMemory, match="Whisper ran out of memory"):
        runtime.layers(np.zeros((1, 80, 3000), np.float32), normed=True)


def test_mistakes_of_the_caller(home, whisper_files):
    home("whisper", {"tiny.pt": whisper_files["tiny.pt"]})
    with pytest.raises(PluginFault, match="before it was opened"):
        create(WHISPER).stream(16_000, Fraction(25))  # type: ignore[attr-defined]
    encoder = opened(WHISPER)
    with pytest.raises(PluginFault, match="44100 Hz"):
        encoder.stream(44_100, Fraction(25))
    encoder.close()
    encoder.close()


def test_numbers_that_are_none_count_as_silence(latentsync: WhisperRuntime):
    sound = recipe.wave("ls_wav", 8000)
    sound[1000:1100] = np.nan
    quiet = np.nan_to_num(sound, nan=0.0)
    for given in (sound, quiet):
        stream = WindowStream(latentsync, LATENTSYNC, OVERLAPPING, Fraction(25))
        found = np.concatenate([stream.push(given), stream.flush()])
        assert np.isfinite(found).all()
