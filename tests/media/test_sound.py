"""Sound for models: exact length, all channels, in time, in pieces."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from mediafactory import make_sound, make_video, tone

from lipsync_core.media.decoding import decoded
from lipsync_core.media.pieces import silence_like
from lipsync_core.media.probe import probe_sound
from lipsync_core.media.sound import read_mono


def heard(path, rate: int) -> np.ndarray:
    pieces = list(read_mono(path, rate))
    assert all(piece.dtype == np.float32 and piece.ndim == 1 for piece in pieces)
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)


@pytest.mark.parametrize(
    ("name", "codec", "rate", "channels"),
    [
        ("v.wav", "pcm_u8", 8000, 1),
        ("v.wav", "pcm_s16le", 16000, 1),
        ("v.wav", "pcm_s16le", 44100, 2),
        ("v.wav", "pcm_s24le", 48000, 2),
        ("v.wav", "pcm_f32le", 22050, 6),
        ("v.mp3", None, 44100, 2),
        ("v.flac", None, 96000, 2),
        ("v.m4a", None, 44100, 2),
        ("v.ogg", None, 48000, 1),
        ("v.opus", None, 24000, 2),
    ],
)
def test_every_format_becomes_exact_mono(name, codec, rate, channels, tmp_path):
    path = make_sound(tmp_path / name, 1.3, rate, channels, codec)
    samples = heard(path, 16000)
    assert len(samples) == round(probe_sound(path).duration * 16000)
    wanted = tone(1.3, 16000)[0]
    middle = slice(3000, 15000)
    assert np.corrcoef(samples[middle], wanted[middle])[0, 1] > 0.98
    assert abs(samples[middle].std() / wanted[middle].std() - 1) < 0.1


@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_s16le", "pcm_f32le"])
def test_silence_is_zero_and_finite(codec, tmp_path):
    path = make_sound(tmp_path / "v.wav", codec=codec, samples=np.zeros((2, 8000), np.float32))
    samples = heard(path, 16000)
    assert len(samples) == 8000
    assert np.abs(samples).max() < 0.01


def test_an_empty_sound_yields_nothing(tmp_path):
    path = make_sound(tmp_path / "v.wav", samples=np.zeros((1, 0), np.float32))
    assert list(read_mono(path, 16000)) == []


def test_a_fifth_of_a_second_is_whole(tmp_path):
    assert len(heard(make_sound(tmp_path / "v.wav", 0.2, 8000), 16000)) == 3200


def test_channels_count_alike(tmp_path):
    one_side = np.stack([tone(1, 16000)[0], np.zeros(16000, np.float32)])
    samples = heard(make_sound(tmp_path / "v.wav", samples=one_side), 16000)
    assert samples.std() == pytest.approx(one_side[0].std() / 2, rel=0.01)


@pytest.mark.parametrize("rate", [16000, 44100, 7999])
def test_pieces_add_up_at_any_rate(rate, tmp_path):
    path = make_sound(tmp_path / "v.wav", samples=tone(1.0, 22050)[:, :21777], rate=22050)
    assert len(heard(path, rate)) == round(Fraction(21777 * rate, 22050))


def test_pieces_are_small(tmp_path):
    """A long sound never comes in one array (pitfall 5)."""
    path = make_sound(tmp_path / "v.flac", 60, 16000)
    sizes = [len(piece) for piece in read_mono(path, 16000)]
    assert sum(sizes) == 960_000
    assert max(sizes) <= 16000


def test_a_hole_in_a_recording_becomes_silence(tmp_path):
    path = tmp_path / "v.mka"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=16000, layout="mono")
        for start in (0, 8000, 32000):
            data = np.full((1, 8000), 8000, np.int16)
            frame = av.AudioFrame.from_ndarray(data, "s16", "mono")
            frame.sample_rate, frame.pts, frame.time_base = 16000, start, Fraction(1, 16000)
            out.mux(stream.encode(frame))
    samples = heard(path, 16000)
    assert len(samples) == 40000
    assert np.abs(samples[16100:31900]).max() == 0
    assert samples[33000:].min() > 0.2


def test_silence_of_every_format_is_silent():
    for kind in ("u8", "u8p", "s16", "s32p", "fltp", "dbl"):
        frame = av.AudioFrame(kind, "stereo", 1)
        frame.sample_rate = 100
        pieces = list(silence_like(frame, 250))
        assert [piece.samples for piece in pieces] == [100, 100, 50]
        middle = 128 if kind.startswith("u8") else 0
        assert all((piece.to_ndarray() == middle).all() for piece in pieces)


def test_a_damaged_packet_does_not_shift_what_follows(tmp_path):
    path = make_sound(tmp_path / "v.flac", 2.0, 16000)
    whole = sum(frame.samples for frame in decoded(path))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40] = b"\0" * 40
    path.write_bytes(data)
    left = sum(frame.samples for frame in decoded(path))
    assert abs(left - whole) <= 8192


def test_the_sound_of_a_video_is_read(tmp_path):
    path = make_video(tmp_path / "t.mp4", frames=25, sound=True)
    assert len(heard(path, 16000)) == 16000
