"""Read a still picture (PNG, JPEG, WebP, BMP, TIFF, HEIC, AVIF, icon, GIF of one frame) as upright RGB."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, cast

import av.error
import cv2
import numpy as np

from lipsync_core.errors import UnsupportedInput
from lipsync_core.media.containers import DAMAGED_HINT, check_file, open_input
from lipsync_core.media.heif import is_heif_still, read_heif
from lipsync_core.media.picture import over_white
from lipsync_core.media.webp import is_animated_webp

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

    from lipsync_core.records import Image

_MAGIC = (b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*")
_PNG = b"\x89PNG\r\n\x1a\n"
_ICON = b"\0\0\1\0"
_ORIENTATION = 0x0112  # EXIF 2.32, table 4


def is_still(path: Path) -> bool:
    """Whether a file is a picture by its first bytes. GIF tells only by its number of frames.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(64)
        if head.startswith(_PNG):
            return not _is_animated_png(file)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return not is_animated_webp(head)
    return head.startswith(_MAGIC) or head.startswith(_ICON) or is_heif_still(path)


def _is_animated_png(file: BinaryIO) -> bool:
    """Whether a PNG says that it has more than one frame (acTL chunk before the pixels)."""
    place = len(_PNG)
    while True:
        file.seek(place)
        size, kind, frames = struct.unpack(">I4sI", file.read(12).ljust(12, b"\0"))
        if kind in (b"acTL", b"IDAT", b"\0\0\0\0"):
            return bool(kind == b"acTL" and frames > 1)
        place += 12 + size


def read_still(path: Path) -> Image:
    """Return the picture as RGB uint8 `(h, w, 3)`, turned as its EXIF orientation asks.

    Transparent parts are composed over white; 16-bit and grey pictures become 8-bit RGB.

    Raises:
        UnsupportedInput: the file is missing, unreadable or damaged.
    """
    head = check_file(path, "target")
    if is_heif_still(path):
        return _over_white(path, read_heif)
    if not head.startswith((*_MAGIC, _PNG, b"RIFF")):
        return _over_white(path, _largest)
    data = np.frombuffer(path.read_bytes(), np.uint8)
    try:
        stored = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
        if stored is not None and stored.ndim == 3 and stored.shape[2] == 4:
            if stored.dtype == np.uint16:
                stored = np.right_shift(stored.astype(np.uint16), 8).astype(np.uint8)
            rgb = over_white(cast("Image", cv2.cvtColor(stored, cv2.COLOR_BGRA2RGBA)))
            return np.ascontiguousarray(_turned(rgb, _exif_orientation(bytes(data))))
        upright = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise _damaged(path) from error
    if upright is None:
        raise _damaged(path)
    return cast("Image", cv2.cvtColor(upright, cv2.COLOR_BGR2RGB))


def _over_white(path: Path, read: Callable[[Path], Image]) -> Image:
    """Read RGBA, and compose it over white."""
    try:
        return over_white(read(path))
    except (av.error.FFmpegError, ValueError) as error:
        raise _damaged(path) from error


def _largest(path: Path) -> Image:
    """Return the largest of the pictures that FFmpeg finds in a file (icons hold several) as RGBA.

    Raises:
        ValueError: it finds none.
    """
    with open_input(path, "target") as container:
        streams = container.streams.video
        stream = max(streams, key=lambda s: s.width * s.height, default=None)
        if stream is not None:
            for packet in container.demux(stream):
                for frame in packet.decode():
                    return cast("Image", frame.to_ndarray(format="rgba"))
    raise ValueError("no picture")


def _damaged(path: Path) -> UnsupportedInput:
    return UnsupportedInput(
        f"The target {path} looks like a picture but cannot be decoded.", DAMAGED_HINT
    )


def _exif_orientation(data: bytes) -> int:
    """Return EXIF orientation 1..8 of a PNG (eXIf chunk) or WebP (EXIF chunk); 1 if it has none."""
    place = max(data.find(b"eXIf"), data.find(b"EXIF"))
    start = max(data.find(b"II*\0", place), data.find(b"MM\0*", place)) if place >= 0 else -1
    if not 0 <= start - place <= 16:
        return 1
    order = "<" if data[start : start + 2] == b"II" else ">"
    try:
        (table,) = struct.unpack_from(order + "I", data, start + 4)
        (count,) = struct.unpack_from(order + "H", data, start + table)
        for entry in range(count):
            tag, _, _, value = struct.unpack_from(
                order + "HHIH", data, start + table + 2 + 12 * entry
            )
            if tag == _ORIENTATION:
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1


def _turned(image: Image, orientation: int) -> Image:
    """Apply EXIF orientation 1..8 (EXIF 2.32, 4.6.4)."""
    if orientation in (5, 6, 7, 8):
        image = image.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return image
