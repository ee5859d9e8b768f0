"""The planes of a 4:2:0 frame (luma, two of chroma, perhaps alpha) as numpy arrays: view, copy, turn, pad."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import av
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Plane = NDArray[np.generic]


def views(frame: av.VideoFrame) -> list[Plane]:
    """Return writable views `(rows, columns)` of the planes, uint8 or uint16, unpadded."""
    kind = np.uint8 if frame.format.components[0].bits == 8 else np.uint16
    found: list[Plane] = []
    for plane in frame.planes:
        rows = np.frombuffer(cast("bytes", plane), dtype=np.uint8)
        rows = rows[: plane.height * plane.line_size].reshape(plane.height, plane.line_size)
        found.append(rows.view(kind)[:, : plane.width])
    return found


def frame_of(planes: Sequence[Plane], pixel_format: str) -> av.VideoFrame:
    """Return a new frame holding copies of `planes`; its size is that of the first plane."""
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, pixel_format)
    for view, plane in zip(views(frame), planes, strict=True):
        view[:] = plane
    return frame


def copy_of(frame: av.VideoFrame) -> av.VideoFrame:
    """Return a writable copy of a planar frame."""
    return frame_of(views(frame), frame.format.name)


def upright(planes: Sequence[Plane], rotation: int, mirrored: bool = False) -> list[Plane]:
    """Pad 4:2:0 planes to even size by repeating the edge, mirror them, then turn them counterclockwise.

    Chroma planes of an odd-sized frame already cover the padded row and column, so only the others grow.
    """
    height, width = planes[0].shape
    stored = []
    for number, plane in enumerate(planes):
        if number not in (1, 2):
            plane = np.pad(plane, ((0, height % 2), (0, width % 2)), mode="edge")
        stored.append(plane[:, ::-1] if mirrored else plane)
    return [np.rot90(plane, rotation // 90) for plane in stored]


def over_white(planes: Sequence[Plane], white: tuple[int, int, int], most: int) -> list[Plane]:
    """Compose luma and chroma over white by the fourth plane; returns three planes.

    Args:
        planes: four, even-sized.
        white: code values of white.
        most: code value of opaque.
    """
    alpha = planes[3].astype(np.uint32)
    if (alpha == most).all():
        return list(planes[:3])
    half = (alpha[::2, ::2] + alpha[1::2, ::2] + alpha[::2, 1::2] + alpha[1::2, 1::2] + 2) // 4
    made: list[Plane] = []
    for plane, share, value in zip(planes[:3], (alpha, half, half), white, strict=True):
        mixed = (plane.astype(np.uint32) * share + value * (most - share) + most // 2) // most
        made.append(mixed.astype(plane.dtype))
    return made
