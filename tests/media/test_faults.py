"""Files that are empty, damaged or strange, and disks that refuse: a sentence, or what can still be shown."""

from __future__ import annotations

import resource
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from mediafactory import make_picture, make_sound, make_video, number_of, numbered_image, tone

from lipsync_core.errors import OutputError, UnsupportedInput
from lipsync_core.media.encoders import EncoderSettings
from lipsync_core.media.folder import pictures_in
from lipsync_core.media.index import constant_index, read_index
from lipsync_core.media.output import atomic_output
from lipsync_core.media.picture import Picture
from lipsync_core.media.probe import probe_sound, probe_target
from lipsync_core.media.reader import VideoReader
from lipsync_core.media.schedule import make_schedule
from lipsync_core.media.sound import read_mono
from lipsync_core.media.still import read_still
from lipsync_core.media.writer import SegmentWriter


def spoiled(path: Path, kind: str, numbers: set[int], *, keep: int = 0) -> Path:
    """The same file with zeros in place of these packets of its first stream of a kind.

    Args:
        keep: bytes of each packet that stay.
    """
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        packets = [p for p in container.demux(stream) if p.size]
        for number in numbers:
            packet = packets[number]
            place = data.index(bytes(packet))
            data[place + keep : place + packet.size] = bytes(packet.size - keep)
    path.write_bytes(data)
    return path


# Sound


def test_a_video_without_sound_is_an_empty_voice(tmp_path):
    path = make_video(tmp_path / "silent.mp4")
    assert list(read_mono(path, 16_000)) == []


def test_a_damaged_piece_of_sound_becomes_silence_and_later_words_stay_in_time(tmp_path):
    path = make_sound(tmp_path / "v.mka", 2.0)
    whole = np.concatenate(list(read_mono(path, 16_000)))
    info = probe_sound(path)
    heard = np.concatenate(list(read_mono(spoiled(path, "audio", {3, 4}), 16_000)))
    assert len(heard) == len(whole) == info.samples
    lost = np.flatnonzero(np.abs(whole - heard) > 1e-3)
    assert 0 < len(lost) <= 0.2 * 16_000, "two packets"
    assert not heard[lost].any()
    assert np.abs(heard[lost[-1] + 1 :]).max() > 0.25, "and then it goes on"


@pytest.mark.parametrize("rate", [8_000, 11_025, 48_000, 96_000])
@pytest.mark.parametrize("samples", [1, 2, 159, 4_097])
def test_a_sound_has_exactly_its_length_at_every_rate(tmp_path, rate, samples):
    path = make_sound(tmp_path / "v.wav", samples=tone(1.0, 44_100)[:, :samples], rate=44_100)
    pieces = list(read_mono(path, rate))
    assert sum(map(len, pieces)) == round(Fraction(samples, 44_100) * rate)


# Video


def test_a_file_without_a_single_frame_is_told(tmp_path):
    path = tmp_path / "empty.avi"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        out.start_encoding()
    assert read_index(path) is None
    with pytest.raises(UnsupportedInput, match="holds no video frame that can be decoded"):
        probe_target(path)


def test_a_video_whose_beginning_is_damaged_shows_the_rest(tmp_path):
    path = make_video(tmp_path / "t.mkv", codec="mjpeg", pix_fmt="yuvj420p", options={})
    info = probe_target(spoiled(path, "video", {0, 1}))
    assert len(info.index) == 12
    with VideoReader(info) as reader:
        shown = [number_of(picture.rgb()) for picture in reader.frames()]
        assert shown[2:] == list(range(2, 12))
        assert reader.damaged == {0, 1}


def test_a_video_of_which_nothing_decodes_is_told(tmp_path):
    path = make_video(tmp_path / "t.mkv", codec="mjpeg", pix_fmt="yuvj420p", options={})
    info = probe_target(path)
    spoiled(path, "video", set(range(12)))
    with pytest.raises(UnsupportedInput, match="holds no video frame that can be decoded"):
        probe_target(path)
    with VideoReader(info) as reader, pytest.raises(UnsupportedInput, match="No frame of"):
        next(reader.frames_at([3]))


def test_a_raw_stream_with_damage_is_counted_by_what_decodes(tmp_path):
    path = make_video(tmp_path / "t.h264", frames=30, gop=5)
    whole = read_index(path)
    assert whole is not None and whole.counted and len(whole) == 30
    info = probe_target(spoiled(path, "video", {7}, keep=6))
    assert info.index.counted
    assert 24 <= len(info.index) <= 30
    with VideoReader(info) as reader:
        (last,) = reader.frames_at([len(info.index) - 1])
        assert number_of(last.rgb()) == 29


def test_one_frame_lasts_as_long_as_its_packet(tmp_path):
    info = probe_target(make_video(tmp_path / "one.mp4", frames=1, fps=10))
    assert (len(info.index), info.index.duration) == (1, Fraction(1, 10))


@pytest.mark.parametrize("base", [Fraction(1, 90_000), Fraction(1, 12_800)])
def test_one_frame_of_one_tick_has_a_usual_rate(base, tmp_path):
    """Else its video would have 90,000 frames a second."""
    path = tmp_path / "one.nut"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=90_000)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = stream.time_base = base
        frame = av.VideoFrame(64, 48, "yuv420p")
        frame.pts, frame.time_base, frame.duration = 0, base, 1
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            packet.duration = 1
            out.mux(packet)
    info = probe_target(path)
    assert info.frames == 1 and info.video.frame_rate <= 60


def test_a_playlist_is_none(tmp_path):
    make_video(tmp_path / "t.ts")
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.48,\nt.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(UnsupportedInput, match=r"list\.m3u8 is (a playlist|not a media file)"):
        probe_target(path)


def test_subtitles_are_no_video(tmp_path):
    path = tmp_path / "words.srt"
    path.write_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n")
    with pytest.raises(UnsupportedInput, match=r"words\.srt holds no video"):
        probe_target(path)


def test_times_outside_of_a_schedule_are_refused():
    schedule = make_schedule(constant_index(3, Fraction(25)))
    assert schedule.time(3) == schedule.duration
    for index in (-1, 4):
        with pytest.raises(IndexError, match=f"output frame {index} of 3"):
            schedule.time(index)


def test_a_picture_of_nothing_is_a_mistake(tmp_path):
    info = probe_target(make_video(tmp_path / "t.mp4"))
    with pytest.raises(ValueError, match="a frame or an RGB image"):
        Picture(info.index.info(0), info.video)


# Still pictures


def chunk(tag: int, value: int, order: str = "<") -> bytes:
    """Exif data with one entry."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "IHHHIHH", 8, 1, tag, 3, 1, value, 0) + bytes(4)


@pytest.mark.parametrize(
    "exif",
    [chunk(0x0100, 6), chunk(0x0112, 9), chunk(0x0112, 6)[:12], bytes(40) + chunk(0x0112, 6), b"II*\0"],
    ids=["another entry", "no orientation", "cut off", "far away", "nothing behind it"],
)  # fmt: skip
def test_exif_data_that_tell_no_orientation_turn_nothing(exif, tmp_path):
    """Only pictures with transparency are turned by hand."""
    path = make_picture(tmp_path / "p.png", alpha=True)
    upright = read_still(path)
    data = path.read_bytes()
    body = struct.pack(">I", len(exif)) + b"eXIf" + exif + bytes(4)
    path.write_bytes(data[:33] + body + data[33:])
    assert np.array_equal(read_still(path), upright)


def test_a_folder_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(UnsupportedInput, match="gone cannot be read"):
        pictures_in(tmp_path / "gone")


# What is written


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """As on a disk that is nearly full: no file may grow beyond `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def pictures(tmp_path: Path, count: int) -> tuple[object, list[Picture]]:
    """Noise, which takes up space."""
    info = probe_target(make_video(tmp_path / "t.mp4", frames=2))
    random = np.random.default_rng(0)
    shown = [random.integers(0, 255, (96, 160, 3), np.uint8) for _ in range(count)]
    index = constant_index(count, Fraction(25))
    return info.video, [
        Picture.from_rgb(image, index.info(k), info.video) for k, image in enumerate(shown)
    ]


@pytest.mark.parametrize("count", [3, 120], ids=["when it is closed", "in the middle"])
def test_a_segment_on_a_full_disk_is_a_sentence_and_leaves_nothing(tmp_path, count):
    video, made = pictures(tmp_path, count)
    folder = tmp_path / "segments"
    folder.mkdir()
    with small_files(4096), pytest.raises(OutputError, match=r"s\.nut cannot be written"):
        writer = SegmentWriter(folder / "s.nut", video, EncoderSettings(crf=1))
        for picture in made:
            writer.write(picture, picture.info.time, picture.info.duration)
        writer.close()
    assert list(folder.iterdir()) == []


def test_an_encoder_that_does_not_exist_is_a_sentence_and_leaves_nothing(tmp_path):
    video, _ = pictures(tmp_path, 1)
    folder = tmp_path / "segments"
    folder.mkdir()
    with pytest.raises(OutputError, match=r"s\.nut cannot be written"):
        SegmentWriter(folder / "s.nut", video, EncoderSettings(encoder="libnothing"))
    assert list(folder.iterdir()) == []


def test_an_output_whose_name_is_a_folder_is_a_sentence_and_leaves_nothing(tmp_path):
    (tmp_path / "out.mp4").mkdir()
    with (
        pytest.raises(OutputError, match=r"out\.mp4 cannot be written: Is a directory"),
        atomic_output(tmp_path / "out.mp4") as part,
    ):
        part.write_bytes(b"made")
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_frames_that_a_codec_hides_are_not_counted(tmp_path):
    """VP8's alternate reference frames: packets that show nothing."""
    path = tmp_path / "t.webm"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libvpx", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.options = {
            "auto-alt-ref": "1",
            "lag-in-frames": "16",
            "b": "200k",
            "arnr-maxframes": "5",
        }
        for number in range(60):
            frame = av.VideoFrame.from_ndarray(numbered_image(number, 160, 96), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            for packet in stream.encode(frame.reformat(format="yuv420p")):
                out.mux(packet)
        for packet in stream.encode(None):
            out.mux(packet)
    index = read_index(path)
    assert index is not None and len(index) == 60
    with VideoReader(path) as reader:
        assert [number_of(picture.rgb()) for picture in reader.frames()] == list(range(60))
