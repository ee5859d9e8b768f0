"""The original script from frames, boxes and features to frames, as plain functions: what a comparison needs.

The engine does none of this: it holds a few frames at a time, and soft masks blend crops that keep their
fractions of a pixel. Pictures are BGR, as in the original. Facts: TMElyralab/MuseTalk as of 2025-09. Latents
are the means of their distributions; its script samples them.
"""

from __future__ import annotations

from itertools import chain, cycle
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lipsync_musetalk import compat_crops, face_shapes, pictures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from lipsync_core.records import Image
    from lipsync_musetalk.compat_crops import Box
    from lipsync_musetalk.face_shapes import Mask
    from lipsync_musetalk.networks import LatentNetworks

_SOFTNESS = 0.05
"""Of the mask's rim in the script; its real-time way has 0.1."""


def schedule(frames: int) -> Iterator[int]:
    """Infinite indices of source frames: forwards and backwards, both ends doubled."""
    return cycle(chain(range(frames), reversed(range(frames))))


def render(
    frames: Sequence[Image],
    boxes: Sequence[Box],
    windows: NDArray[np.float32],
    networks: LatentNetworks,
    mask: Callable[[Image], Mask],
) -> Iterator[Image]:
    """The original's output frames, one for each window.

    Args:
        frames: `(H, W, 3)` uint8 BGR, all of them.
        boxes: one for each frame, inside it, with the margin where the version has one.
        windows: `(n, 50, 384)`, see `compat.musetalk_windows`.
        networks: open.
        mask: what a new lower face may cover of a `(512, 512, 3)` RGB picture, see `face_shapes.lower`.
    """
    latents: dict[int, NDArray[np.float32]] = {}
    for window, number in zip(windows, schedule(len(frames)), strict=False):
        frame, box = frames[number], boxes[number]
        if number not in latents:
            latents[number] = networks.encode(compat_crops.cut(frame, box)[None, ..., ::-1])
        made = pictures.faces_of(networks.paint(latents[number], window[None]))[0]
        face = np.ascontiguousarray(made[..., ::-1])
        yield _blended(frame, face, box, mask)


def _blended(frame: Image, face: Image, box: Box, mask: Callable[[Image], Mask]) -> Image:
    x1, y1, x2, y2 = box
    sized = np.asarray(cv2.resize(face, (x2 - x1, y2 - y1)), np.uint8)
    square = face_shapes.square_around(box)
    around = np.ascontiguousarray(face_shapes.cut(frame, square)[..., ::-1])
    shape = face_shapes.placed(mask(face_shapes.parsable(around)), square, box)
    return face_shapes.pasted(frame, sized, box, face_shapes.blurred(shape, _SOFTNESS), square)
