"""A video in another form: the nearest frame, the aspect kept, colours as they were."""

from __future__ import annotations

import pickle
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from mediafactory import make_video, number_of

from lipsync_core.media.conform import Form, conform, conformed_format, fits, frames_at
from lipsync_core.media.probe import probe_target
from lipsync_core.media.reader import VideoReader
from lipsync_core.targets.digests import target_hash


def conformed(path, width, height, rate, filling="pad", **colour):
    info = probe_target(path)
    form = Form(width=width, height=height, frame_rate=Fraction(rate), filling=filling)
    return conform(info, replace(conformed_format(info.video, form), **colour), filling)


def images(info, order=None):
    with VideoReader(info) as reader:
        return [p.rgb() for p in reader.frames_at(range(info.frames) if order is None else order)]


@pytest.mark.parametrize(
    ("fps", "rate", "shown"),
    [
        (50, 25, range(0, 12, 2)),
        (25, 50, [k // 2 for k in range(24)]),
        (30, 25, [0, 1, 2, 4, 5, 6, 7, 8, 10, 11]),
        (25, Fraction(25), range(12)),
    ],
)
def test_each_frame_shows_the_nearest(fps, rate, shown, tmp_path):
    info = conformed(make_video(tmp_path / "t.mp4", fps=fps), 320, 192, rate)
    assert [number_of(image) for image in images(info)] == list(shown)
    assert info.video.frame_rate == rate and info.frames == len(shown)
    assert [number_of(i) for i in images(info, [5, 0, 3, 2])] == [
        list(shown)[k] for k in (5, 0, 3, 2)
    ]


def test_a_variable_rate_becomes_a_constant_one(tmp_path):
    ticks = [0, 100, 130, 200, 400]
    info = conformed(
        make_video(tmp_path / "t.mkv", ticks=ticks, time_base=Fraction(1, 1000)), 160, 96, 20
    )
    assert not info.video.variable_rate
    assert info.frames == frames_at(info.conformed.original.duration, Fraction(20))
    assert [number_of(image) for image in images(info)][:9] == [0, 0, 1, 2, 3, 3, 3, 4, 4]


@pytest.mark.parametrize(
    ("size", "filling", "bars"),
    [
        ((160, 192), "pad", (48, 48, 0, 0)),
        ((160, 100), "pad", (2, 2, 0, 0)),
        ((162, 96), "pad", (0, 0, 0, 2)),
        ((320, 96), "pad", (0, 0, 80, 80)),
        ((320, 192), "pad", (0, 0, 0, 0)),
        ((80, 48), "pad", (0, 0, 0, 0)),
        ((160, 192), "crop", (0, 0, 0, 0)),
        ((320, 96), "crop", (0, 0, 0, 0)),
    ],
)
def test_the_aspect_is_kept(size, filling, bars, tmp_path):
    info = conformed(make_video(tmp_path / "t.mp4"), *size, 25, filling)
    image = images(info)[0].astype(int)
    assert image.shape == (size[1], size[0], 3)
    lit = image.max(-1) > 12
    rows, columns = np.flatnonzero(lit.any(1)), np.flatnonzero(lit.any(0))
    top, bottom = rows[0], size[1] - 1 - rows[-1]
    left, right = columns[0], size[0] - 1 - columns[-1]
    assert (top, bottom, left, right) == bars
    if filling == "crop" and size == (
        160,
        192,
    ):  # twice as large, 40 columns cut off on either side
        whole = images(conformed(tmp_path / "t.mp4", 320, 192, 25))[0].astype(int)
        assert np.abs(image - whole[:, 80:240]).mean() < 2


def test_more_is_cut_off_below_than_above(tmp_path):
    """Heads are in the upper part of portraits."""
    whole = images(conformed(make_video(tmp_path / "t.mp4"), 320, 192, 25))[0].astype(int)
    cut = images(conformed(tmp_path / "t.mp4", 320, 96, 25, "crop"))[0].astype(int)
    assert np.abs(cut - whole[12:108]).mean() < 2, "12 of 96 rows above"


def test_pixels_that_are_not_square_are_counted_in(tmp_path):
    path = make_video(tmp_path / "t.mp4", (80, 96), aspect=Fraction(2))
    info = conformed(path, 160, 96, 25, sample_aspect_ratio=None)
    assert images(info)[0].max(-1)[:, [0, -1]].max() > 50, (
        "no bars: 80 wide pixels are 160 square ones"
    )
    assert number_of(images(info)[0]) == 0


@pytest.mark.parametrize(("matrix", "span"), [(1, 1), (1, 2), (9, 1), (5, 2)])
def test_colours_stay_what_they_were(matrix, span, tmp_path):
    path = make_video(tmp_path / "t.mp4", colour=(1, 1, 5, 1))
    info = conformed(path, 160, 192, 25, color_space=matrix, color_range=span)
    before, after = images(probe_target(path))[0].astype(int), images(info)[0].astype(int)
    assert np.abs(after[48:144] - before).mean() < 2.5
    assert after[:40].max() <= 2, "bars are black"


@pytest.mark.parametrize(("pix_fmt", "depth"), [("yuv420p", 10), ("yuv420p10le", 8)])
def test_the_depth_becomes_that_of_the_others(pix_fmt, depth, tmp_path):
    path = make_video(tmp_path / "t.mp4", pix_fmt=pix_fmt)
    info = conformed(path, 160, 192, 25, bit_depth=depth)
    with VideoReader(info) as reader:
        picture = next(reader.frames())
    assert picture.video_frame().format.name == info.video.working_format
    assert number_of(picture.rgb()[48:144]) == 0


def test_what_fits_is_left_alone_and_the_rest_is_told(tmp_path):
    info = probe_target(make_video(tmp_path / "t.mp4"))
    assert fits(info.video, info.video) and conform(info, info.video, "pad") is info
    other = conformed(tmp_path / "t.mp4", 320, 192, 50)
    assert other.notes[-1].endswith(
        "t.mp4 is 160x96 at 25 frames a second; it is scaled to 320x192, shown at 50 frames a second."
    )


def test_each_form_has_its_own_digest_and_travels(tmp_path):
    path = make_video(tmp_path / "t.mp4")
    made = [conformed(path, 320, 200, 25, f) for f in ("pad", "crop")]
    made += [conformed(path, 320, 200, 50), conformed(path, 320, 192, 25), probe_target(path)]
    assert len({target_hash(info) for info in made}) == len(made)
    assert target_hash(made[0]) == target_hash(conformed(path, 320, 200, 25))
    assert number_of(images(pickle.loads(pickle.dumps(made[3])))[4]) == 4


def test_a_damaged_frame_is_counted_in_the_new_form(tmp_path):
    path = make_video(
        tmp_path / "t.avi", codec="mjpeg", pix_fmt="yuvj420p", options={"qscale": "2"}
    )
    info = conformed(path, 320, 192, 50)
    data = bytearray(path.read_bytes())
    starts = [k for k in range(len(data) - 3) if data[k : k + 3] == b"\xff\xd8\xff"]
    data[starts[6] : starts[6] + 600] = bytes(600)
    path.write_bytes(data)
    with VideoReader(info) as reader:
        shown = [number_of(picture.rgb()) for picture in reader.frames()]
        assert reader.damaged == {12, 13}
    assert shown[12:14] == [5, 5] and shown[14] == 7
