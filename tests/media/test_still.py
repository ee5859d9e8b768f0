"""Still pictures: upright as their EXIF says, composed over white, 8-bit RGB."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from mediafactory import make_picture, numbered_image

from lipsync_core.errors import UnsupportedInput
from lipsync_core.media.probe import probe_target
from lipsync_core.media.still import read_still

TURNS = {  # EXIF orientation -> how an upright picture is stored
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda a: np.rot90(a, -1),
}


def exif(orientation: int) -> bytes:
    """A TIFF header with one entry: orientation."""
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    return b"II*\0" + struct.pack("<IH", 8, 1) + entry + b"\0\0\0\0"


def png_chunk(kind: bytes, data: bytes) -> bytes:
    import zlib

    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    return np.ascontiguousarray(TURNS[orientation](upright))


@pytest.mark.parametrize("orientation", TURNS)
def test_a_photo_stands_upright(orientation, tmp_path):
    upright = numbered_image(5, 120, 90)
    turned = cv2.cvtColor(stored(upright, orientation), cv2.COLOR_RGB2BGR)
    data = cv2.imencode(".jpg", turned, [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes()
    header = b"Exif\0\0" + exif(orientation)
    path = tmp_path / "p.jpg"
    path.write_bytes(
        data[:2] + b"\xff\xe1" + struct.pack(">H", len(header) + 2) + header + data[2:]
    )
    image = read_still(path)
    assert image.shape == upright.shape
    assert np.abs(image.astype(int) - upright).mean() < 4
    video = probe_target(path).video
    assert (video.width, video.height) == (120, 90)


@pytest.mark.parametrize("orientation", TURNS)
def test_a_transparent_png_stands_upright_over_white(orientation, tmp_path):
    upright = numbered_image(5, 120, 90)
    alpha = np.full((90, 120, 1), 255, np.uint8)
    alpha[60:, 80:] = 0
    bgra = np.concatenate([upright[..., ::-1], alpha], -1)
    data = cv2.imencode(".png", stored(bgra, orientation))[1].tobytes()
    path = tmp_path / "p.png"
    path.write_bytes(data[:33] + png_chunk(b"eXIf", exif(orientation)) + data[33:])
    image = read_still(path)
    wanted = upright.copy()
    wanted[60:, 80:] = 255
    assert (image == wanted).all()


@pytest.mark.parametrize(
    ("shape", "kind"), [((90, 120), np.uint8), ((90, 120, 3), np.uint16), ((90, 120, 4), np.uint16)]
)
def test_grey_and_deep_pictures_become_rgb(shape, kind, tmp_path):
    value = 200 if kind is np.uint8 else 200 << 8
    data = np.full(shape, value, kind)
    if shape[-1] == 4:
        data[..., 3] = 65535
    path = tmp_path / "p.png"
    path.write_bytes(cv2.imencode(".png", data)[1].tobytes())
    image = read_still(path)
    assert (image.shape, image.dtype) == ((90, 120, 3), np.uint8)
    assert np.abs(image.astype(int) - 200).max() <= 1


def test_an_odd_still_is_told_even(tmp_path):
    info = probe_target(make_picture(tmp_path / "p.png", (121, 91)))
    assert (info.video.width, info.video.height) == (122, 92)


@pytest.mark.parametrize("name", ["a %d b.png", "é:1.jpg", "-x.webp"])
def test_odd_names(name, tmp_path):
    assert probe_target(make_picture(tmp_path / name)).kind == "picture"


def test_a_damaged_picture_is_one_sentence(tmp_path):
    path = make_picture(tmp_path / "p.jpg")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UnsupportedInput, match="cannot be decoded"):
        read_still(path)


def test_an_animated_webp_without_frames_is_one_sentence(tmp_path):
    head = b"RIFF\x30\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0" + b"\0" * 40
    path = tmp_path / "a.webp"
    path.write_bytes(head)
    with pytest.raises(UnsupportedInput, match=r"a\.webp is an animated WebP without frames"):
        probe_target(path)
