"""Reading by index is exact in any order, bounded in memory, and survives damage."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from mediafactory import make_picture, make_video, number_of

from lipsync_core.errors import UnsupportedInput
from lipsync_core.media.probe import probe_target
from lipsync_core.media.reader import VideoReader

KINDS = {
    "mp4 with B-frames": {"options": {"bf": "3", "crf": "16"}, "gop": 10},
    "one long group": {"gop": 250},
    "mkv": {"name": "t.mkv"},
    "mpeg-ps": {"name": "t.mpg", "codec": "mpeg1video", "options": {"b": "2M", "bf": "2"}},
    "mpeg-ts": {"name": "t.ts"},
    "avi": {"name": "t.avi", "codec": "mpeg4", "options": {"bf": "2", "b": "2M"}},
    "raw, counted": {"name": "t.h264"},
    "webm vp8": {"name": "t.webm", "codec": "libvpx", "options": {"auto-alt-ref": "1"}},
    "gif": {"name": "t.gif", "codec": "gif", "pix_fmt": "rgb8"},
    "edit list": {"ticks": list(range(20, 60))},
}


def numbers(pictures) -> list[int]:
    return [number_of(picture.rgb()) for picture in pictures]


@pytest.fixture(params=KINDS)
def target(request, tmp_path):
    options = {"frames": 40, **KINDS[request.param]}
    return probe_target(make_video(tmp_path / options.pop("name", "t.mp4"), **options))


def test_ranges_are_exact_wherever_they_start(target):
    with VideoReader(target) as reader:
        for start, stop in [(0, 3), (17, 22), (5, 6), (39, 40), (0, 1), (22, 22), (38, 40)]:
            assert numbers(reader.frames(start, stop)) == list(range(start, stop))
        assert numbers(reader.frames(30)) == list(range(30, 40))
        assert not reader.damaged


def test_any_order_is_exact(target):
    order = [*range(25, 40), *range(38, 0, -1), 0, 0, 7, 7, 3, 39, 2, *range(5, 12)]
    with VideoReader(target) as reader:
        pictures = list(reader.frames_at(order))
        assert numbers(pictures) == order
        assert [picture.info.index for picture in pictures] == order
        assert not reader.damaged


@pytest.mark.parametrize("buffer_bytes", [1, 100_000, 1 << 30])
def test_a_small_buffer_changes_nothing_but_the_time(buffer_bytes, tmp_path):
    path = make_video(tmp_path / "t.mp4", frames=30, gop=30)
    order = [*range(30), *range(28, -1, -1)]
    with VideoReader(path, buffer_bytes=buffer_bytes) as reader:
        assert numbers(reader.frames_at(order)) == order
        assert reader._kept._bytes <= max(buffer_bytes, 30_000)


def test_going_down_decodes_each_frame_about_once(tmp_path, monkeypatch):
    path = make_video(tmp_path / "t.mp4", frames=60, gop=10, options={"bf": "0", "crf": "16"})
    with VideoReader(path) as reader:
        made = []
        picture = reader._source.picture
        monkeypatch.setattr(reader._source, "picture", lambda k: made.append(k) or picture(k))
        assert numbers(reader.frames_at(range(59, -1, -1))) == list(range(59, -1, -1))
        assert len(made) <= 61


def test_segment_after_segment_decodes_nothing_twice(tmp_path, monkeypatch):
    path = make_video(tmp_path / "t.mp4", frames=40, gop=40)
    with VideoReader(path) as reader:
        opened = []
        start = reader._source._start_before
        monkeypatch.setattr(reader._source, "_start_before", lambda k: opened.append(k) or start(k))
        seen = [n for first in range(0, 40, 8) for n in numbers(reader.frames(first, first + 8))]
    assert seen == list(range(40))
    assert opened == [0]


def test_times_come_with_the_pictures(tmp_path):
    ticks = [0, 3, 8, 9, 20]
    path = make_video(tmp_path / "t.mp4", ticks=ticks, time_base=Fraction(1, 100))
    with VideoReader(path) as reader:
        times = [picture.info.time for picture in reader.frames()]
    assert times == [Fraction(tick, 100) for tick in ticks]


def test_a_frame_that_is_not_there_is_refused(tmp_path):
    with VideoReader(make_video(tmp_path / "t.mp4")) as reader, pytest.raises(IndexError):
        list(reader.frames_at([12]))


def test_damage_in_the_middle_repeats_the_picture_before(tmp_path):
    """Frames 10..19 are one destroyed group: same count, right pictures after it, all reported."""
    path = make_video(
        tmp_path / "t.avi", frames=30, codec="mjpeg", pix_fmt="yuvj420p", options={"qscale": "2"}
    )
    data = bytearray(path.read_bytes())
    starts = [k for k in range(len(data) - 3) if data[k : k + 3] == b"\xff\xd8\xff"]
    for k in range(10, 20):
        data[starts[k] : starts[k] + 600] = b"\0" * 600
    path.write_bytes(data)
    with VideoReader(path) as reader:
        seen = numbers(reader.frames())
        assert reader.damaged == set(range(10, 20))
    assert seen == [*range(10), *[9] * 10, *range(20, 30)]


def test_a_cut_off_file_ends_where_it_is_cut(tmp_path):
    path = make_video(tmp_path / "t.mkv", frames=40)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    with VideoReader(path) as reader:
        seen = numbers(reader.frames())
        count = reader.target.frames
    assert 5 < count < 40
    assert len(seen) == count
    assert seen == sorted(set(seen))  # of the last B-frames some may be missing
    assert seen[: count - 4] == list(range(count - 4))


def test_a_still_is_one_picture(tmp_path):
    path = make_picture(tmp_path / "p.png", (121, 91))
    with VideoReader(path) as reader:
        assert reader.target.kind == "picture"
        assert numbers(reader.frames_at([0, 0, 0])) == [5, 5, 5]


def test_closing_twice_and_leaving_early_are_fine(tmp_path):
    path = make_video(tmp_path / "t.mp4")
    reader = VideoReader(path)
    next(reader.frames())
    reader.close()
    reader.close()


def test_a_missing_file_is_one_clear_error(tmp_path):
    with pytest.raises(UnsupportedInput, match="does not exist"):
        VideoReader(tmp_path / "no.mp4")


def test_frames_are_real_pixels(tmp_path):
    with VideoReader(make_video(tmp_path / "t.mp4")) as reader:
        image = next(reader.frames()).rgb()
    assert image.dtype == np.uint8
    assert image.shape == (96, 160, 3)
    assert image.flags.c_contiguous
