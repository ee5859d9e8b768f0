"""The original script as plain functions: what a comparison with it needs, quirks included.

The engine does none of this: it keeps every frame, smooths landmarks, and a soft mask blends. Pictures here
are BGR, as in the original. Facts: inference.py and inference_328.py of ZiqiaoPeng/SyncTalk_2D as of 2025-06.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lipsync_core.errors import UnsupportedInput
from lipsync_core.voice.mel import BANDS
from lipsync_synctalk2d import mel, pictures
from lipsync_synctalk2d.frame_rows import COLUMNS, RATE, SHAPE, WINDOWS, Encode

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from lipsync_core.records import Image, Samples
    from lipsync_synctalk2d.runtime import FaceRuntime

    Box = tuple[int, int, int, int]
    """`x1, y1, x2, y2` with the right and lower edge outside."""

LEFT, RIGHT, NOSE = 1, 31, 52
"""Of PFLD's 110 points: the jaw beside the ears, and the bridge of the nose."""
POINTS = 110
_BEFORE = WINDOWS // 2


def mel_windows(columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """`(T, 80)` mel columns -> `(N, 80, 16)`: a window each 40 ms, those past the end moved back."""
    count = len(columns)
    if count < COLUMNS:
        return np.zeros((0, BANDS, COLUMNS), np.float32)
    number = int((count - COLUMNS) / mel.COLUMNS_A_SECOND * RATE) + 2
    starts = [min(int(mel.COLUMNS_A_SECOND * k / RATE), count - COLUMNS) for k in range(number)]
    return np.stack([columns[at : at + COLUMNS].T for at in starts])


def rows(sound: Samples, encode: Encode) -> NDArray[np.float32]:
    """`(N + 2, 512)`: the rows of a sound at 16 kHz, the first and the last doubled.

    Raises:
        UnsupportedInput: the sound is shorter than a window (0.2 s; the original crashes).
    """
    windows = mel_windows(mel.whole(sound))
    if not len(windows):
        raise UnsupportedInput("A sound shorter than 0.2 s has no window.", "Take a longer one.")
    found = encode(windows)
    return np.concatenate([found[:1], found, found[-1:]])


def rows_of_frame(rows: NDArray[np.float32], frame: int) -> NDArray[np.float32]:
    """`(16, width)`: rows frame - 8 to frame + 7, zeros where there are none."""
    wanted = np.arange(frame - _BEFORE, frame + _BEFORE)
    there = (wanted >= 0) & (wanted < len(rows))
    found = np.zeros((WINDOWS, rows.shape[1]), np.float32)
    found[there] = rows[wanted[there]]
    return found


def schedule(frames: int) -> Iterator[int]:
    """Infinite indices of source frames: forwards and backwards, beginning with frame 1."""
    at, step = 0, 1
    while True:
        if frames > 1:
            step = -1 if at == frames - 1 else 1 if at == 0 else step
            at += step
        yield at


def read_landmarks(path: Path) -> NDArray[np.int64]:
    """`(110, 2)`: a file `landmarks/N.lms`, a point "x y" a line.

    Raises:
        UnsupportedInput: it is no such file.
    """
    try:
        numbers = [float(word) for word in path.read_text("utf-8").split()]
    except (OSError, ValueError) as error:
        raise UnsupportedInput(
            f"{path} cannot be read as landmarks.", "Prepare it anew."
        ) from error
    if len(numbers) != 2 * POINTS:
        raise UnsupportedInput(
            f"{path} holds {len(numbers) / 2:g} points instead of {POINTS}.", "Prepare it anew."
        )
    return np.array(numbers).astype(np.int64).reshape(POINTS, 2)


def box_of(landmarks: NDArray[np.int64]) -> Box:
    """The square as wide as the jaw, from the bridge of the nose down; it may reach out of the frame."""
    left, right, top = int(landmarks[LEFT, 0]), int(landmarks[RIGHT, 0]), int(landmarks[NOSE, 1])
    return left, top, right, top + right - left


def render(
    frames: Sequence[Image],
    boxes: Sequence[Box],
    rows: NDArray[np.float32],
    runtime: FaceRuntime,
) -> Iterator[Image]:
    """The original's output frames, one for each row: hard squares, levels cut off.

    Args:
        frames: `(H, W, 3)` uint8 BGR, all of them.
        boxes: one for each frame.
        rows: `(n, 512)` as `rows` gives them.
        runtime: the network of the person.
    """
    side = pictures.crop_side(runtime.side)
    flag = cv2.INTER_CUBIC if runtime.side == pictures.LARGE else cv2.INTER_LINEAR
    for k, number in zip(range(len(rows)), schedule(len(frames)), strict=False):
        x1, y1, x2, y2 = boxes[number]
        out = frames[number].copy()
        part = out[max(0, y1) : y2, max(0, x1) : x2]
        crop = np.asarray(cv2.resize(part, (side, side), interpolation=flag), np.uint8)
        seen = pictures.network_pictures(crop[None, ..., ::-1])
        sound = rows_of_frame(rows, k).reshape(1, *SHAPE)
        made = pictures.crops_of(runtime.run(seen, sound), crop[None, ..., ::-1], cut_off=True)
        face = np.ascontiguousarray(made[0, ..., ::-1])
        size = (part.shape[1], part.shape[0])
        part[...] = cv2.resize(face, size, interpolation=flag)
        yield out
