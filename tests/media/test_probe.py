"""What a file is, and one clear sentence where it is of no use."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from mediafactory import make_picture, make_sound, make_video

from lipsync_core.errors import UnsupportedInput
from lipsync_core.media.probe import probe_sound, probe_target

F = Fraction


def test_a_video_with_sound(tmp_path):
    info = probe_target(make_video(tmp_path / "t.mp4", fps=F(30000, 1001), sound=True))
    assert (info.kind, info.codec, info.frames, info.has_sound) == ("video", "h264", 12, True)
    assert info.video.frame_rate == F(30000, 1001)
    assert not info.video.variable_rate
    assert info.duration == 12 * F(1001, 30000)


def test_a_video_without_sound(tmp_path):
    assert not probe_target(make_video(tmp_path / "t.mp4")).has_sound


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotation_is_the_turn_to_upright(rotation, tmp_path):
    video = probe_target(make_video(tmp_path / "t.mp4", rotation=rotation, aspect=F(2))).video
    turned = rotation in (90, 270)
    assert video.rotation == rotation
    assert (video.width, video.height) == ((96, 160) if turned else (160, 96))
    assert video.sample_aspect_ratio == (F(1, 2) if turned else 2)


def test_odd_sizes_are_told_even(tmp_path):
    video = probe_target(make_video(tmp_path / "t.mp4", size=(161, 97), pix_fmt="yuv444p")).video
    assert (video.width, video.height) == (162, 98)


@pytest.mark.parametrize(
    ("pix_fmt", "codec", "depth"),
    [("yuv420p", "libx264", 8), ("yuv420p10le", "libx264", 10), ("rgb24", "rawvideo", 8)],
)
def test_bit_depth(pix_fmt, codec, depth, tmp_path):
    path = make_video(tmp_path / "t.nut", pix_fmt=pix_fmt, codec=codec)
    assert probe_target(path).video.bit_depth == depth


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp", ".bmp", ".tiff"])
def test_stills(ending, tmp_path):
    info = probe_target(make_picture(tmp_path / f"p{ending}", (120, 90)), F(30))
    assert (info.kind, info.frames, info.duration) == ("picture", 1, F(1, 30))
    assert (info.video.width, info.video.height) == (120, 90)


@pytest.mark.parametrize(
    ("name", "codec", "rate", "channels", "said"),
    [
        ("v.wav", "pcm_u8", 8000, 1, "pcm_u8"),
        ("v.wav", "pcm_s16le", 16000, 2, "pcm_s16le"),
        ("v.wav", "pcm_s24le", 48000, 2, "pcm_s24le"),
        ("v.wav", "pcm_f32le", 44100, 6, "pcm_f32le"),
        ("v.flac", None, 96000, 2, "flac"),
        ("v.ogg", None, 48000, 1, "opus"),
        ("v.m4a", None, 44100, 2, "aac"),
        ("v.m4a", None, 8000, 1, "aac"),
        ("v.mp3", None, 44100, 2, "mp3"),
    ],
)
def test_sounds_are_counted_exactly(name, codec, rate, channels, said, tmp_path):
    info = probe_sound(make_sound(tmp_path / name, 0.7, rate, channels, codec))
    assert (info.codec, info.sample_rate, info.channels) == (said, rate, channels)
    slack = rate // 100 if said == "mp3" else 0  # a last block is filled up
    assert abs(info.samples - round(0.7 * rate)) <= slack
    assert info.duration == F(info.samples, rate)


def test_a_video_can_be_the_voice(tmp_path):
    info = probe_sound(make_video(tmp_path / "t.mp4", sound=True))
    assert (info.codec, info.channels) == ("aac", 2)
    assert info.duration == F(12, 25)


def test_an_empty_sound_has_no_samples(tmp_path):
    path = make_sound(tmp_path / "v.wav", samples=np.zeros((1, 0), np.float32))
    assert probe_sound(path).samples == 0
    assert probe_sound(path).duration == 0


def _missing(folder: Path) -> Path:
    return folder / "no such file.mp4"


def _empty(folder: Path) -> Path:
    path = folder / "empty.mp4"
    path.touch()
    return path


def _text(folder: Path) -> Path:
    path = folder / "text.mp4"
    path.write_text("This is a text, not a video.\n" * 100)
    return path


def _cut(folder: Path) -> Path:
    path = make_video(folder / "cut.mp4", sound=True)
    path.write_bytes(path.read_bytes()[:2000])
    return path


def _playlist(folder: Path) -> Path:
    path = folder / "list.mp4"
    path.write_text("#EXTM3U\n#EXTINF:1,\nother.mp4\n")
    return path


def _noise(folder: Path) -> Path:
    path = folder / "noise.mp4"
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    return path


def _folder(folder: Path) -> Path:
    return folder


def _header_only(folder: Path) -> Path:
    path = folder / "half.png"
    path.write_bytes(make_picture(folder / "p.png").read_bytes()[:60])
    return path


BAD = [_missing, _empty, _text, _cut, _playlist, _noise, _folder]


@pytest.mark.parametrize("probe", [probe_target, probe_sound])
@pytest.mark.parametrize("make", BAD)
def test_bad_files_are_one_sentence_with_a_remedy(make, probe, tmp_path):
    path = make(tmp_path)
    with pytest.raises(UnsupportedInput) as caught:
        probe(path)
    assert str(path) in caught.value.message
    assert caught.value.message.endswith(".")
    assert caught.value.hint
    assert caught.value.exit_code == 3


def test_a_half_picture_is_refused(tmp_path):
    with pytest.raises(UnsupportedInput, match="cannot be decoded"):
        probe_target(_header_only(tmp_path))


def test_a_sound_is_no_target(tmp_path):
    with pytest.raises(UnsupportedInput, match="is a sound file") as caught:
        probe_target(make_sound(tmp_path / "v.mp3", rate=44100))
    assert "audio second" in caught.value.hint


def test_a_silent_video_is_no_voice(tmp_path):
    with pytest.raises(UnsupportedInput, match="has no sound stream"):
        probe_sound(make_video(tmp_path / "t.mp4"))


def test_a_picture_is_no_voice(tmp_path):
    with pytest.raises(UnsupportedInput, match="voice"):
        probe_sound(make_picture(tmp_path / "p.png"))


def test_an_unreadable_file_names_the_reason(tmp_path, monkeypatch):
    path = make_video(tmp_path / "t.mp4")

    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UnsupportedInput, match="cannot be read: Permission denied"):
        probe_target(path)


def test_cover_art_is_no_video(tmp_path):
    """An .m4a or .mp3 with a picture of its album is still a sound file."""
    import av

    path, sound = tmp_path / "cover.m4a", make_sound(tmp_path / "v.m4a", 0.3)
    with av.open(str(path), "w", format="mp4") as out, av.open(str(sound)) as source:
        art = out.add_stream("mjpeg", rate=1)
        art.width, art.height, art.pix_fmt = 32, 32, "yuvj420p"
        art.disposition = av.stream.Disposition.attached_pic
        copy = out.add_stream_from_template(source.streams.audio[0])
        frame = av.VideoFrame(32, 32, "yuvj420p")
        frame.pts = 0
        out.mux(art.encode(frame) + art.encode(None))
        for packet in source.demux():
            if packet.size:
                packet.stream = copy
                out.mux(packet)
    with av.open(str(path)) as container:
        assert container.streams.video[0].disposition & av.stream.Disposition.attached_pic
    with pytest.raises(UnsupportedInput, match="is a sound file"):
        probe_target(path)
