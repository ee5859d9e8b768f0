"""Patches change their pixels and nothing else; colours are converted exactly."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from mediafactory import make_video, number_of, numbered_image

from lipsync_core.media import planes
from lipsync_core.media.colour import rgb_to_planes
from lipsync_core.media.formats import VideoFormat, picture_format
from lipsync_core.media.picture import Picture, over_white
from lipsync_core.media.reader import VideoReader
from lipsync_core.records import FrameInfo, Patch
from lipsync_core.targets.canvas import Canvas

INFO = FrameInfo(index=0, time=Fraction(0), duration=Fraction(1, 25))
LUMA = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 9: (0.2627, 0.0593)}
COLOURS = [(m, full, depth) for m in LUMA for full in (False, True) for depth in (8, 10)]


def video_of(matrix=1, full=False, depth=8, size=(64, 48)) -> VideoFormat:
    return VideoFormat(
        width=size[0], height=size[1], frame_rate=Fraction(25), time_base=Fraction(1, 25),
        bit_depth=depth, color_space=matrix, color_range=2 if full else 1,
    )  # fmt: skip


def noise_frame(video: VideoFormat, seed=0) -> av.VideoFrame:
    rng = np.random.default_rng(seed)
    unit = 1 << (video.bit_depth - 8)
    kind = np.uint8 if unit == 1 else np.uint16
    shapes = [(video.height, video.width)] + [(video.height // 2, video.width // 2)] * 2
    spans = [(40, 200), (100, 156), (100, 156)]
    made = [
        rng.integers(low * unit, high * unit, shape).astype(kind)
        for shape, (low, high) in zip(shapes, spans, strict=True)
    ]
    return planes.frame_of(made, video.working_format)


def patched(picture: Picture, *patches: Patch) -> Picture:
    """The picture with patches on it, painted as the engine does."""
    canvas = Canvas(picture, (0, 0, picture.video.width, picture.video.height))
    for patch in patches:
        canvas.paste(patch)
    return canvas.picture()


def exact_rgb(frame: av.VideoFrame, video: VideoFormat) -> np.ndarray:
    """ITU-T H.273 in floating point, chroma repeated: the reference for both directions."""
    kr, kb = LUMA[video.matrix]
    unit = 1 << (video.bit_depth - 8)
    top = 256 * unit - 1
    y, u, v = (plane.astype(float) for plane in planes.views(frame))
    u, v = (np.kron(plane, np.ones((2, 2))) - 128 * unit for plane in (u, v))
    luma, chroma, black = (top, top, 0) if video.full_range else (219 * unit, 224 * unit, 16 * unit)
    y, u, v = (y - black) / luma, u / chroma, v / chroma
    red, blue = y + 2 * (1 - kr) * v, y + 2 * (1 - kb) * u
    green = (y - kr * red - kb * blue) / (1 - kr - kb)
    return np.clip(np.stack([red, green, blue], -1) * 255, 0, 255)


@pytest.mark.parametrize(("matrix", "full", "depth"), COLOURS)
def test_rgb_is_exact_for_every_matrix_range_and_depth(matrix, full, depth):
    video = video_of(matrix, full, depth)
    frame = noise_frame(video)
    error = Picture.from_frame(frame, INFO, video).rgb() - exact_rgb(frame, video)
    rough = full and depth == 10  # swscale takes 10-bit full range for 16-bit: +0.3 on average
    assert np.abs(error).max() < (0.6 if depth == 8 else 1.2 if rough else 0.6)
    assert abs(error.mean()) < (0.5 if rough else 0.1)


@pytest.mark.parametrize(("matrix", "full", "depth"), COLOURS)
def test_to_planes_and_back_is_within_rounding(matrix, full, depth):
    video = video_of(matrix, full, depth)
    blocks = np.random.default_rng(1).integers(0, 256, (24, 32, 3))
    image = np.kron(blocks, np.ones((2, 2, 1))).astype(np.uint8)
    back = exact_rgb(planes.frame_of(rgb_to_planes(image, video), video.working_format), video)
    assert np.abs(back - image).max() <= (2.2 if depth == 8 else 0.6)


@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("box", [(10, 8, 20, 12), (11, 9, 7, 5), (0, 0, 64, 48), (63, 47, 1, 1)])
def test_planes_outside_a_patch_are_bit_identical(depth, box):
    video = video_of(depth=depth)
    frame = noise_frame(video)
    before = [plane.copy() for plane in planes.views(frame)]
    x, y, width, height = box
    image = np.random.default_rng(2).integers(0, 256, (height, width, 3)).astype(np.uint8)
    source = Picture.from_frame(frame, INFO, video)
    lazy = patched(source, Patch(x=x, y=y, image=image))
    source.rgb()  # once made, RGB is carried on as it was patched
    picture = patched(source, Patch(x=x, y=y, image=image))
    after = planes.views(picture.video_frame())
    for one, other in zip(after, planes.views(lazy.video_frame()), strict=True):
        assert (one == other).all()

    inside = np.zeros((48, 64), bool)
    inside[y : y + height, x : x + width] = True
    touched = inside.reshape(24, 2, 32, 2).any(axis=(1, 3))
    for was, now, mask in zip(before, after, (inside, touched, touched), strict=True):
        assert (was[~mask] == now[~mask]).all()
    whole = Picture.from_frame(frame, INFO, video).rgb().copy()
    whole[inside] = image.reshape(-1, 3)
    wanted = rgb_to_planes(whole, video)
    same = (whole == Picture.from_frame(frame, INFO, video).rgb()).all(axis=2)
    for got, want, mask in zip(after, wanted, (inside & ~same, touched, touched), strict=True):
        assert (got[mask] == want[mask]).mean() > 0.99
    assert (picture.rgb()[inside] == image.reshape(-1, 3)).all()
    assert all((a == b).all() for a, b in zip(before, planes.views(frame), strict=True))


@pytest.mark.parametrize("box", [(0, 0, 64, 48), (3, 5, 40, 31), (10, 8, 11, 9), (63, 47, 64, 48)])
def test_a_region_is_a_part_of_the_whole(box):
    x0, y0, x1, y1 = box
    frame = noise_frame(video_of())
    part = Picture.from_frame(frame, INFO, video_of()).region(x0, y0, x1, y1)
    assert (part == Picture.from_frame(frame, INFO, video_of()).rgb()[y0:y1, x0:x1]).all()


def test_quick_rgb_is_close():
    frame = noise_frame(video_of())
    smooth = cv2.GaussianBlur(planes.views(frame)[0], (0, 0), 3)
    planes.views(frame)[0][:] = smooth
    for plane in planes.views(frame)[1:]:
        plane[:] = 120
    picture = Picture.from_frame(frame, INFO, video_of())
    assert np.abs(picture.quick_rgb().astype(int) - picture.rgb()).max() <= 4


def test_a_patch_that_changes_nothing_leaves_every_bit():
    video = video_of()
    picture = Picture.from_frame(noise_frame(video), INFO, video)
    same = patched(picture, Patch(x=3, y=5, image=picture.rgb()[5:30, 3:40].copy()))
    for was, now in zip(
        planes.views(picture.video_frame()), planes.views(same.video_frame()), strict=True
    ):
        assert (was == now).all()


def test_patches_may_overlap_and_leave_the_frame():
    video = video_of()
    picture = Picture.from_frame(noise_frame(video), INFO, video)
    white = np.full((20, 20, 3), 255, np.uint8)
    black = np.zeros((20, 20, 3), np.uint8)
    rgb = patched(
        picture,
        Patch(x=-10, y=-10, image=white),
        Patch(x=0, y=0, image=black),
        Patch(x=60, y=40, image=white),
        Patch(x=200, y=200, image=white),
    ).rgb()
    assert (rgb[:20, :20] == 0).all()
    assert (rgb[40:, 60:] == 255).all()


def test_chroma_does_not_smear_past_a_patch():
    """A red patch on grey: the first grey pixel beside it stays grey, on every side."""
    video = video_of()
    grey = np.full((48, 64, 3), 128, np.uint8)
    frame = planes.frame_of(rgb_to_planes(grey, video), video.working_format)
    red = np.tile(np.array([200, 30, 30], np.uint8), (16, 16, 1))
    made = patched(Picture.from_frame(frame, INFO, video), Patch(x=20, y=16, image=red))
    seen = Picture.from_frame(made.video_frame(), INFO, video).rgb().astype(int)
    assert np.abs(seen[16:32, 20:36] - red).max() <= 2
    seen[16:32, 20:36] = 128
    assert np.abs(seen - 128).max() <= 1


def test_an_unpatched_frame_is_the_decoded_one():
    video = video_of()
    frame = noise_frame(video)
    picture = Picture.from_frame(frame, INFO, video)
    assert picture.video_frame() is frame
    assert patched(picture) is picture


@pytest.mark.parametrize("size", [(161, 97), (160, 97), (161, 96)])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_odd_sizes_grow_by_the_repeated_edge(size, rotation, tmp_path):
    turned = rotation in (90, 270)
    path = make_video(
        tmp_path / "t.mkv", size=size, frames=1, codec="ffv1", pix_fmt="yuv420p", rotation=rotation
    )
    with VideoReader(path) as reader:
        picture = next(reader.frames())
    width, height = (size[1], size[0]) if turned else size
    assert picture.rgb().shape == (height + height % 2, width + width % 2, 3)
    assert number_of(picture.rgb()) == 0


def test_full_range_planes_reach_the_encoder_as_they_are():
    video = video_of(full=True)
    frame = planes.frame_of(planes.views(noise_frame(video)), "yuvj420p")
    out = Picture.from_frame(frame, INFO, video).video_frame()
    assert out.format.name == "yuv420p"
    for was, now in zip(planes.views(frame), planes.views(out), strict=True):
        assert (was == now).all()


def test_ten_bits_go_down_to_eight_where_the_encoder_needs_it():
    video = video_of(depth=10)
    picture = Picture.from_frame(noise_frame(video), INFO, video)
    out = picture.video_frame(replace(video, bit_depth=8))
    assert out.format.name == "yuv420p"
    ten, eight = planes.views(picture.video_frame())[0], planes.views(out)[0]
    assert np.abs(ten.astype(int) / 4 - eight).max() <= 1


def test_a_picture_from_rgb_keeps_its_colours_and_takes_patches():
    image = numbered_image(7, 121, 91)
    video = picture_format(121, 91, Fraction(25))
    picture = Picture.from_rgb(image, INFO, video)
    assert (picture.rgb()[:91, :121] == image).all()
    white = np.full((10, 10, 3), 255, np.uint8)
    made = patched(picture, Patch(x=50, y=50, image=white))
    seen = Picture.from_frame(made.video_frame(), INFO, video).rgb()
    assert (seen[52:58, 52:58] >= 254).all()
    assert number_of(seen) == 7


def test_a_picture_from_rgb_of_another_size_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        Picture.from_rgb(np.zeros((10, 10, 3), np.uint8), INFO, video_of())


def test_alpha_is_composed_over_white():
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[0, :, 3] = 0, 128, 255
    assert over_white(rgba)[0, :, 0].tolist() == [255, 127, 0]


def test_a_frame_of_another_size_inside_the_file_is_scaled():
    video = video_of()
    other = noise_frame(video_of(size=(32, 24)))
    assert Picture.from_frame(other, INFO, video).rgb().shape == (48, 64, 3)
