"""DWPose's way from frames to the 68 points of a face, around the network: plain arrays.

The whole frame stands for the person, as in MuseTalk's script, which looks for no persons. Facts:
TMElyralab/MuseTalk as of 2025-09, and the configuration of DWPose that it uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.records import Image

WIDTH, HEIGHT = 288, 384
_STEPS = 2
"""Places that the network tells apart in a pixel."""
_ROOM = 1.25
"""A person's box is widened by this factor."""
_MEAN = np.array((123.675, 116.28, 103.53), np.float32)
_SPREAD = np.array((58.395, 57.12, 57.375), np.float32)
"""Of ImageNet, RGB."""
FACE = slice(23, 91)
"""Of the 133 points, iBUG's 68."""
MIRRORED = np.array(
    [
        *range(16, -1, -1),
        *range(26, 16, -1),
        *(27, 28, 29, 30, 35, 34, 33, 32, 31),
        *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
        *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
        *(64, 63, 62, 61, 60, 67, 66, 65),
    ]
)
"""Which of the 68 points stands where each does in the mirrored face."""


def window(width: int, height: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The part of the plane that the network sees of a frame: its left upper corner, width and height."""
    wide, high = width * _ROOM, height * _ROOM
    aspect = WIDTH / HEIGHT
    size = np.array((wide, wide / aspect) if wide > high * aspect else (high * aspect, high))
    return np.array((width, height)) / 2 - size / 2, size


def picture_of(frame: Image) -> NDArray[np.float32]:
    """`(3, 384, 288)`: an RGB frame as the network sees it; beside the frame it is black."""
    corner, size = window(frame.shape[1], frame.shape[0])
    scale = WIDTH / size[0]
    matrix = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]])
    warped = cv2.warpAffine(frame, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
    normal = (np.asarray(warped, np.float32) - _MEAN) / _SPREAD
    return np.ascontiguousarray(np.moveaxis(normal, 2, 0))


def both_ways(
    seen: tuple[NDArray[np.float32], NDArray[np.float32]],
    mirrored: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What is seen of faces `(N, 68, ...)`, averaged with what is seen of them mirrored."""
    columns = (seen[0] + mirrored[0][:, MIRRORED, ::-1]) * np.float32(0.5)
    rows = (seen[1] + mirrored[1][:, MIRRORED]) * np.float32(0.5)
    return columns, rows


def decoded(
    columns: NDArray[np.float32], rows: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The likeliest places.

    Args:
        columns: `(K, 576)`.
        rows: `(K, 768)`.

    Returns:
        `(K, 2)` pixels of the 288x384, and `(K,)` how high the lower of both maxima is; a point whose is not
        above 0 has no place and is reported at -0.5, -0.5.
    """
    scores = np.minimum(columns.max(1), rows.max(1)).astype(np.float32)
    places = np.stack([columns.argmax(1), rows.argmax(1)], 1).astype(np.float32)
    places[scores <= 0] = -1.0
    return places / np.float32(_STEPS), scores


def on_frame(points: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """Points of the 288x384 in pixels of the frame."""
    corner, size = window(width, height)
    return np.asarray(points / np.array((WIDTH, HEIGHT)) * size + corner, np.float32)
