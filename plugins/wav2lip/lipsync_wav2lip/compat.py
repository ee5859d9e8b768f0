"""The original script's geometry as plain functions: what a comparison with it needs, quirks included.

The engine does none of this: its boxes are smoothed to both sides and keep their fractions, every frame is
kept, and a soft mask blends. Pictures here are BGR, as in the original; boxes are `x1, y1, x2, y2` with the
right and lower edge outside. Facts: inference.py of Rudrabha/Wav2Lip as of 2025-04.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lipsync_core.networks.batches import in_batches
from lipsync_wav2lip import pictures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.records import Image
    from lipsync_wav2lip.runtime import FaceRuntime

    Box = tuple[int, int, int, int]

COLUMNS = 16
"""Mel columns of a window."""
COLUMNS_A_SECOND = 80.0
SMOOTHED_OVER = 5
PADS = (0, 10, 0, 0)
"""Pixels added at the top, bottom, left, right."""
BATCH = 128


def mel_starts(columns: int, fps: float) -> list[int]:
    """First mel column of every output frame.

    The list ends with the first window that does not fit, moved back to the end; the output is so 0.1 to
    0.2 s shorter than the sound. A sound of less than a window gives none (the original crashes).
    """
    starts: list[int] = []
    while columns >= COLUMNS:
        start = int(len(starts) * (COLUMNS_A_SECOND / fps))
        if start + COLUMNS > columns:
            return [*starts, columns - COLUMNS]
        starts.append(start)
    return starts


def padded(box: Sequence[int], pads: Sequence[int], size: tuple[int, int]) -> Box:
    """A box widened by `pads` and kept inside a frame of `size` (width, height)."""
    top, bottom, left, right = pads
    x1, y1, x2, y2 = box
    return (
        max(0, x1 - left),
        max(0, y1 - top),
        min(size[0], x2 + right),
        min(size[1], y2 + bottom),
    )


def smoothed(boxes: NDArray[np.int64], over: int = SMOOTHED_OVER) -> NDArray[np.int64]:
    """Each box as the mean of itself and the next ones, truncated to whole pixels.

    It works in place, so the last boxes, whose window is moved back, average boxes that were averaged
    before. With n < `over` boxes the window is the last `over - n`, as a negative index says.

    Args:
        boxes: `(n, 4)` whole numbers.
        over: boxes in a window.

    Returns:
        `(n, 4)`, a new array.
    """
    out = np.array(boxes, np.int64)
    n = len(out)
    for i in range(n):
        window = out[n - over :] if i + over > n else out[i : i + over]
        out[i] = window.mean(axis=0).astype(np.int64)
    return out


def cut(frame: Image, box: Box) -> Image:
    """`(96, 96, 3)`: the box of a frame, squeezed."""
    x1, y1, x2, y2 = box
    side = (pictures.SIDE, pictures.SIDE)
    return np.asarray(cv2.resize(frame[y1:y2, x1:x2], side), np.uint8)


def paste(frame: Image, face: Image, box: Box) -> Image:
    """A copy of the frame with a face as a hard rectangle in the box."""
    x1, y1, x2, y2 = box
    out = frame.copy()
    out[y1:y2, x1:x2] = cv2.resize(face, (x2 - x1, y2 - y1))
    return out


def render(
    frames: Sequence[Image],
    boxes: Sequence[Box],
    windows: NDArray[np.float32],
    runtime: FaceRuntime,
    batch: int = BATCH,
) -> Iterator[Image]:
    """The original's output frames: the clip in a plain loop, hard rectangles, levels cut off.

    Args:
        frames: `(H, W, 3)` uint8 BGR, all of them.
        boxes: one for each frame, after padding and smoothing.
        windows: `(n, 80, 16)` mel windows, one for each output frame.
        runtime: the network.
        batch: frames per call of the network.
    """
    for at in range(0, len(windows), batch):
        part = windows[at : at + batch]
        numbers = [(at + k) % len(frames) for k in range(len(part))]
        crops = np.stack([cut(frames[n], boxes[n]) for n in numbers])
        faces = pictures.network_faces(crops[..., ::-1])
        shares = in_batches(runtime.run, runtime.batch, part[:, None], faces)
        made = pictures.crops_of(shares, cut_off=True)
        for n, face in zip(numbers, made, strict=True):
            yield paste(frames[n], np.ascontiguousarray(face[..., ::-1]), boxes[n])
