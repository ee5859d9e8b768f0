"""The planes of a 4:2:0 frame as numpy arrays: view, copy, turn, pad. Knows no colour."""

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

    Chroma planes of an odd-sized frame already cover the padded row and column, so only luma grows.
    """
    height, width = planes[0].shape
    luma = np.pad(planes[0], ((0, height % 2), (0, width % 2)), mode="edge")
    stored = [plane[:, ::-1] if mirrored else plane for plane in (luma, *planes[1:])]
    return [np.rot90(plane, rotation // 90) for plane in stored]
