"""Files of pictures, still or animated: photos of phones, icons, GIF, APNG, image sequences."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from heiffactory import make_heif
from mediafactory import make_video, number_of, numbered_image

from lipsync_core.errors import UnsupportedInput
from lipsync_core.media.folder import pictures_in
from lipsync_core.media.probe import probe_target
from lipsync_core.media.reader import VideoReader
from lipsync_core.media.still import read_still

TURNS = {  # (quarter turns, mirrored axis) -> how an upright picture is stored
    (0, None): lambda a: a,
    (1, None): lambda a: np.rot90(a, -1),
    (2, None): lambda a: np.rot90(a, 2),
    (3, None): lambda a: np.rot90(a, 1),
    (0, 0): lambda a: a[::-1],
    (0, 1): lambda a: a[:, ::-1],
    (1, 0): lambda a: np.rot90(a[::-1], -1),
    (1, 1): lambda a: np.rot90(a[:, ::-1], -1),
}
FORMS = {
    "one item": {"size": (192, 128)},
    "2x3 tiles": {"size": (192, 128), "tile": (64, 64)},
    "tiles beyond the edge": {"size": (180, 120), "tile": (64, 64)},
}


def near(image: np.ndarray, wanted: np.ndarray) -> bool:
    return image.shape == wanted.shape and np.abs(image.astype(int) - wanted).mean() < 5


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["p.heic", "p.avif"])
def test_a_photo_is_one_still_with_all_its_tiles(name, form, tmp_path):
    options = dict(FORMS[form])
    image = numbered_image(9, *options.pop("size"))
    path = make_heif(tmp_path / name, image, **options)
    info = probe_target(path, Fraction(30))
    assert (info.kind, info.frames, info.video.frame_rate) == ("picture", 1, 30)
    assert near(read_still(path), image)
    with VideoReader(info) as reader:
        assert number_of(next(reader.frames()).rgb()) == 9


@pytest.mark.parametrize("turn", TURNS, ids=str)
@pytest.mark.parametrize("form", ["one item", "2x3 tiles"])
def test_a_photo_stands_upright(form, turn, tmp_path):
    options = dict(FORMS[form])
    upright = numbered_image(9, *options.pop("size"))
    stored = np.ascontiguousarray(TURNS[turn](upright))
    path = make_heif(tmp_path / "p.heic", stored, turn=turn[0], mirror=turn[1], **options)
    assert near(read_still(path), upright)
    video = probe_target(path).video
    assert (video.width, video.height) == (192, 128)


def test_a_photo_is_cut_to_its_clean_middle(tmp_path):
    image = numbered_image(9, 192, 128)
    path = make_heif(tmp_path / "p.heic", image, clean=(160, 100))
    assert near(read_still(path), image[14:114, 16:176])


@pytest.mark.parametrize("name", ["p.heic", "p.avif"])
def test_transparent_parts_of_a_photo_are_white(name, tmp_path):
    image = numbered_image(9, 192, 128)
    alpha = np.full((128, 192), 255, np.uint8)
    alpha[64:, 128:] = 0
    wanted = image.copy()
    wanted[64:, 128:] = 255
    assert near(read_still(make_heif(tmp_path / name, image, alpha=alpha)), wanted)


def test_a_photo_without_one_of_its_tiles_is_one_sentence(tmp_path):
    image = numbered_image(9, 192, 128)
    path = make_heif(tmp_path / "p.heic", image, tile=(64, 64), damaged=True)
    with pytest.raises(UnsupportedInput, match=r"p\.heic looks like a picture but cannot be dec"):
        probe_target(path)


@pytest.mark.parametrize("keep", [100, 300])
def test_a_photo_that_is_cut_off_is_one_sentence(keep, tmp_path):
    path = make_heif(tmp_path / "p.heic", numbered_image(9, 192, 128))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UnsupportedInput, match=r"p\.heic"):
        probe_target(path)


def icon(*images: np.ndarray) -> bytes:
    """An ICO file of PNG pictures."""
    pngs = [cv2.imencode(".png", image[..., ::-1])[1].tobytes() for image in images]
    head, at = struct.pack("<HHH", 0, 1, len(pngs)), 6 + 16 * len(pngs)
    for image, png in zip(images, pngs, strict=True):
        height, width = image.shape[:2]
        head += struct.pack("<BBBBHHII", width, height, 0, 0, 1, 32, len(png), at)
        at += len(png)
    return head + b"".join(pngs)


def test_an_icon_is_the_largest_of_its_pictures(tmp_path):
    path = tmp_path / "i.ico"
    images = [numbered_image(n, side, side) for n, side in enumerate((32, 128, 64))]
    path.write_bytes(icon(*images))
    info = probe_target(path)
    assert (info.kind, info.frames, info.video.frame_rate) == ("picture", 1, 25)
    assert (read_still(path) == images[1]).all()


def gif(path, frames, delays):
    with av.open(str(path), "w") as out:
        stream = out.add_stream("gif", rate=100)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "rgb8"
        stream.codec_context.time_base = stream.time_base = Fraction(1, 100)
        tick = 0
        for number, delay in zip(range(frames), delays, strict=True):
            frame = av.VideoFrame.from_ndarray(numbered_image(number, 160, 96), "rgb24")
            frame = frame.reformat(format="rgb8")
            frame.pts, frame.time_base = tick, Fraction(1, 100)
            frame.duration = delay
            for packet in stream.encode(frame):
                packet.duration = delay
                out.mux(packet)
            tick += delay
        for packet in stream.encode(None):
            out.mux(packet)
    return path


def apng(path, frames, delays):
    """Animated PNG, put together from single ones; `delays` in 1/100 s."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    parts, number = [], 0
    for k in range(frames):
        png = cv2.imencode(".png", numbered_image(k, 160, 96)[..., ::-1])[1].tobytes()
        header, place, data = png[16:29], 8, b""
        while place < len(png):
            size = int.from_bytes(png[place : place + 4], "big")
            if png[place + 4 : place + 8] == b"IDAT":
                data += png[place + 8 : place + 8 + size]
            place += 12 + size
        if not k:
            parts = [png[:8], chunk(b"IHDR", header), chunk(b"acTL", struct.pack(">II", frames, 0))]
        control = (number, 160, 96, 0, 0, delays[k], 100, 0, 0)
        parts.append(chunk(b"fcTL", struct.pack(">IIIIIHHBB", *control)))
        number += 1
        parts.append(
            chunk(b"fdAT", struct.pack(">I", number) + data) if k else chunk(b"IDAT", data)
        )
        number += bool(k)
    path.write_bytes(b"".join([*parts, chunk(b"IEND", b"")]))
    return path


def animated_webp(path, frames, delays):
    """OpenCV writes a lossless one; `delays` in 1/100 s. One of a single frame is put together by hand."""
    animation = cv2.Animation()
    count = max(2, frames)
    animation.frames = [numbered_image(k, 160, 96)[..., ::-1].copy() for k in range(count)]
    animation.durations = np.array([d * 10 for d in (delays * 2)[:count]])
    done, data = cv2.imencodeanimation(".webp", animation, [cv2.IMWRITE_WEBP_QUALITY, 101])
    assert done
    data, place, parts = data.tobytes(), 12, []
    while place < len(data):
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        parts.append(data[place : place + 8 + size + size % 2])
        place += len(parts[-1])
    others = [part for part in parts if part[:4] != b"ANMF"]
    shown = [part for part in parts if part[:4] == b"ANMF"][:frames]
    body = b"WEBP" + b"".join([*others, *shown])
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


ANIMATIONS = {"gif": gif, "png": apng, "webp": animated_webp}


@pytest.mark.parametrize("kind", ANIMATIONS)
def test_an_animation_keeps_its_times(kind, tmp_path):
    delays = [10, 20, 4, 4, 30]
    info = probe_target(ANIMATIONS[kind](tmp_path / f"a.{kind}", 5, delays))
    assert info.kind == "video"
    times = [info.index.info(k).time for k in range(info.frames)]
    assert times == [Fraction(sum(delays[:k]), 100) for k in range(5)]
    with VideoReader(info) as reader:
        assert [number_of(picture.rgb()) for picture in reader.frames()] == list(range(5))


@pytest.mark.parametrize("kind", ANIMATIONS)
def test_an_animation_of_one_frame_is_a_still(kind, tmp_path):
    info = probe_target(ANIMATIONS[kind](tmp_path / f"a.{kind}", 1, [10]), Fraction(30))
    assert (info.kind, info.frames, info.video.frame_rate) == ("picture", 1, 30)
    with VideoReader(info) as reader:
        assert number_of(next(reader.frames()).rgb()) == 0


def test_a_long_animated_webp_is_read_in_any_order(tmp_path):
    """More frames than are decoded at once."""
    info = probe_target(animated_webp(tmp_path / "a.webp", 40, [4] * 40))
    assert (info.video.frame_rate, info.video.variable_rate) == (25, False)
    order = [39, 0, 17, 16, 15, 31, 32, 5]
    with VideoReader(info) as reader:
        assert [number_of(picture.rgb()) for picture in reader.frames_at(order)] == order


def test_an_animated_webp_that_is_cut_off_is_one_sentence(tmp_path):
    path = animated_webp(tmp_path / "a.webp", 5, [4] * 5)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UnsupportedInput, match=r"a\.webp"):
        list(VideoReader(probe_target(path)).frames())


def test_an_image_sequence_is_a_video(tmp_path):
    """AVIF animations hold their first frame as a picture, too; FFmpeg shows both."""
    path = tmp_path / "a.avif"
    make_video(path, frames=6, fps=10, codec="libsvtav1", options={"crf": "20", "preset": "10"})
    info = probe_target(path)
    assert (info.kind, info.frames, info.video.frame_rate) == ("video", 6, 10)
    with VideoReader(info) as reader:
        assert [number_of(picture.rgb()) for picture in reader.frames()] == list(range(6))


@pytest.mark.parametrize(("fps", "told"), [(5, True), (Fraction(10), False), (25, False)])
def test_a_video_of_few_frames_a_second_is_told(fps, told, tmp_path):
    info = probe_target(make_video(tmp_path / "t.mp4", fps=fps))
    assert info.kind == "video"
    assert [f"only {fps} frames a second" in note for note in info.notes] == (
        [True] if told else []
    )


def test_a_folder_takes_photos_of_phones_and_no_animations(tmp_path):
    make_heif(tmp_path / "1.heic", numbered_image(0, 160, 96))
    make_heif(tmp_path / "2.avif", numbered_image(1, 160, 96))
    apng(tmp_path / "3.png", 3, [10, 10, 10])
    assert [path.name for path in pictures_in(tmp_path)] == ["1.heic", "2.avif"]
    with VideoReader(probe_target(tmp_path)) as reader:
        assert [number_of(picture.rgb()) for picture in reader.frames()] == [0, 1]
