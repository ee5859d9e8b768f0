"""Animated WebP: when its frames are shown, and its frames, a few at a time. FFmpeg reads none of it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from lipsync_core.errors import UnsupportedInput
from lipsync_core.media.containers import DAMAGED_HINT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from lipsync_core.records import Image

BLOCK = 16
"""Frames decoded at once; OpenCV begins at the first one each time."""
_SHORTEST, _INSTEAD = 10, 100
"""Frames of at most 10 ms are shown for 100 ms, as browsers do."""


def is_animated_webp(head: bytes) -> bool:
    """Whether the header is that of an animated WebP (VP8X chunk with the animation bit)."""
    is_webp = head.startswith(b"RIFF") and head[8:16] == b"WEBPVP8X"
    return is_webp and len(head) > 20 and bool(head[20] & 0x02)


def durations(path: Path) -> NDArray[np.int64]:
    """Return `(N,)` how long each frame is shown, milliseconds.

    Raises:
        UnsupportedInput: there is no frame in it.
    """
    found = [
        int.from_bytes(body[12:15], "little") for kind, body in _chunks(path) if kind == b"ANMF"
    ]
    if not found:
        raise UnsupportedInput(
            f"The target {path} is an animated WebP without frames.", DAMAGED_HINT
        )
    given = np.array(found, np.int64)
    return np.where(given <= _SHORTEST, _INSTEAD, given)


def frames(path: Path, first: int, count: int = BLOCK) -> list[Image]:
    """Return at most `count` whole frames from number `first` on, RGBA uint8 `(h, w, 4)`.

    Raises:
        UnsupportedInput: none of them can be decoded.
    """
    data = np.frombuffer(path.read_bytes(), np.uint8)
    try:
        done, animation = cv2.imdecodeanimation(data, first, count)
    except cv2.error:
        done = False
    if not done or not len(animation.frames):
        raise UnsupportedInput(
            f"Frame {first} of the target {path} cannot be decoded.", DAMAGED_HINT
        )
    code = {3: cv2.COLOR_BGR2RGBA, 4: cv2.COLOR_BGRA2RGBA}
    return [cast("Image", cv2.cvtColor(frame, code[frame.shape[2]])) for frame in animation.frames]


def _chunks(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and the first 16 bytes of each chunk (RIFF)."""
    with path.open("rb") as file:
        place = 12
        while True:
            file.seek(place)
            head = file.read(24)
            if len(head) < 8:
                return
            kind, size = struct.unpack_from("<4sI", head)
            yield kind, head[8:]
            place += 8 + size + size % 2
