"""Upstream's prepared folders, `dataset/NAME`, as a dataset: frames, PFLD's landmarks, precomputed features.

Crops are cut as upstream's training cuts them: whole pixels, bilinear. (It names another interpolation, but
in the place of another argument.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lipsync_core.errors import UnsupportedInput
from lipsync_core.voice.features import FeatureFile
from lipsync_synctalk2d import compat, pictures
from lipsync_synctalk2d.frame_rows import SHAPE
from lipsync_synctalk2d.layouts import HUBERT_PLANES
from lipsync_synctalk2d.training import dataset
from lipsync_synctalk2d.training.dataset import Dataset, crop_bytes, whole_rows
from lipsync_synctalk2d.training.prepare import folder_for, forget_old

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.records import Image
    from lipsync_core.running.progress import Progress
    from lipsync_synctalk2d.compat import Box
    from lipsync_synctalk2d.training.request import TrainRequest

RATE = Fraction(25)
FRAMES, LANDMARKS = "full_body_img", "landmarks"
_FEATURES = {"ave": ("aud_ave.npy", SHAPE), "hubert": ("aud_hu.npy", HUBERT_PLANES)}
_MOUTH = (0.2, 0.42, 0.8, 0.88)
"""Where the mouth is in a crop, x0, y0, x1, y1 as shares: which of PFLD's points are the lips was not found
written down, and the crop is always cut by the same three."""


def prepared(request: TrainRequest, progress: Progress) -> tuple[Dataset, str, str]:
    """The dataset of a folder, in words, and a digest of what is in it.

    Raises:
        UnsupportedInput: the folder lacks something.
    """
    root = request.footage
    rows = features(root, request.features)
    count = min(len(rows), len(list((root / FRAMES).glob("*.jpg"))))
    if count < 2:
        raise UnsupportedInput(
            f"{root} is no prepared folder of SyncTalk_2D: it has no {FRAMES}/0.jpg and more.",
            "Give the folder dataset/NAME, or the video itself.",
        )
    digest = _digest(root, count, rows)
    folder = folder_for(request, digest)
    folder.mkdir(parents=True, exist_ok=True)
    forget_old(folder)
    shape = _FEATURES[request.features][1]
    sound = folder / f"upstream-{request.features}.f32"
    if not sound.exists():
        part = sound.with_suffix(".part")
        with part.open("wb") as file:
            for k in range(count):
                file.write(heard(rows, k).reshape(shape).tobytes())
        part.replace(sound)
    _write_crops(request, count, folder, progress)
    times = [k / RATE for k in range(count)]
    told = f"{count / 25:.1f} s prepared by SyncTalk_2D in {root.name}"
    return Dataset(folder, request.side, times, FeatureFile(sound, shape, RATE)), told, digest


def features(root: Path, kind: str) -> NDArray[np.float32]:
    """`(n, width)` rows of a precomputed file, one a frame.

    Raises:
        UnsupportedInput: it is not there, or holds something else.
    """
    if kind not in _FEATURES:
        raise UnsupportedInput(
            f"{root} is prepared for SyncTalk_2D, which has no {kind} features.",
            "Choose --features ave or hubert, or give the video itself.",
        )
    name, shape = _FEATURES[kind]
    try:
        stored = np.load(root / name, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UnsupportedInput(
            f"{root / name} cannot be read as features.", "Prepare the folder with SyncTalk_2D."
        ) from error
    width = int(np.prod(shape)) // 16
    if stored.ndim < 2 or int(np.prod(stored.shape[1:])) != width:
        raise UnsupportedInput(
            f"{root / name} holds rows of {stored.shape[1:]}, not of {width} numbers.",
            "Prepare the folder with SyncTalk_2D.",
        )
    return np.asarray(stored, np.float32).reshape(len(stored), width)


def heard(rows: NDArray[np.float32], frame: int) -> NDArray[np.float32]:
    """`(16, width)`: rows frame - 8 to frame + 7, zeros where there are none."""
    return compat.rows_of_frame(rows, frame)


def cut(frame: Image, box: Box, side: int) -> Image:
    """`(side + 8, side + 8, 3)`: the box of a frame, bilinear; what leaves the frame is cut off first."""
    x1, y1, x2, y2 = box
    part = frame[max(0, y1) : y2, max(0, x1) : x2]
    size = pictures.crop_side(side)
    return np.asarray(cv2.resize(part, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)


def _write_crops(request: TrainRequest, count: int, folder: Path, progress: Progress) -> None:
    done = min(
        whole_rows(folder / dataset.CROPS, crop_bytes(request.side)),
        whole_rows(folder / dataset.MOUTHS, dataset.BOX_BYTES),
    )
    progress.stage("cutting crops", count)
    mouth = np.array(_MOUTH, np.float32) * pictures.crop_side(request.side)
    with (
        (folder / dataset.CROPS).open("ab") as crops,
        (folder / dataset.MOUTHS).open("ab") as boxes,
    ):
        crops.truncate(done * crop_bytes(request.side))
        boxes.truncate(done * dataset.BOX_BYTES)
        for k, crop in enumerate(_crops(request, range(done, count)), done + 1):
            crops.write(np.ascontiguousarray(crop[..., ::-1]).tobytes())
            boxes.write(mouth.tobytes())
            progress.advance(k)


def _crops(request: TrainRequest, numbers: range) -> Iterator[Image]:
    """BGR crops of numbered frames."""
    for k in numbers:
        path = request.footage / FRAMES / f"{k}.jpg"
        frame = cv2.imread(str(path))
        if frame is None:
            raise UnsupportedInput(f"{path} cannot be read.", "Prepare the folder anew.")
        landmarks = compat.read_landmarks(request.footage / LANDMARKS / f"{k}.lms")
        yield cut(np.asarray(frame, np.uint8), compat.box_of(landmarks), request.side)


def _digest(root: Path, count: int, rows: NDArray[np.float32]) -> str:
    """Of names, sizes and times of the frames, and of all the sound."""
    whole = hashlib.blake2b(np.ascontiguousarray(rows).tobytes(), digest_size=16)
    for k in range(count):
        for path in (root / FRAMES / f"{k}.jpg", root / LANDMARKS / f"{k}.lms"):
            if not path.is_file():
                raise UnsupportedInput(f"{path} is missing.", "Prepare the folder anew.")
            stat = path.stat()
            whole.update(f"{path.name} {stat.st_size} {stat.st_mtime_ns}".encode())
    return whole.hexdigest()
