"""The original script's arithmetic, quirks included, against what it wrote."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from lipsync_wav2lip import compat
from lipsync_wav2lip.torch_runtime import TorchRuntime

from lipsync_core.testing import recipe
from lipsync_core.voice.mel import MelStream

HEIGHT, WIDTH, FRAMES = 160, 192, 12
DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize("count", [3, 5, 12])
def test_boxes_are_smoothed_as_there(parity, count: int):
    boxes = recipe.random(f"smooth{count}").integers(0, 200, (count, 4))
    parity.check("wav2lip_smooth", f"in_{count}", boxes)
    before = boxes.copy()
    parity.check("wav2lip_smooth", f"out_{count}", compat.smoothed(boxes))
    assert np.array_equal(boxes, before)


@pytest.mark.parametrize("fps", [25.0, 30.0, 24.0, 23.976, 29.97, 60.0])
def test_mel_windows_begin_and_end_as_there(parity, fps: float):
    with np.load(DATA / "wav2lip_starts.npz") as stored:
        columns = int(stored["columns"])
    starts = np.array(compat.mel_starts(columns, fps))
    parity.check("wav2lip_starts", f"starts_fps{fps}".replace(".", "p"), starts)


@pytest.mark.parametrize("columns, expected", [(0, []), (15, []), (16, [0, 0]), (17, [0, 1])])
def test_sounds_of_about_one_window(columns: int, expected: list[int]):
    assert compat.mel_starts(columns, 25.0) == expected


@pytest.fixture(scope="module")
def clip() -> tuple[list[np.ndarray], list[list[int]]]:
    random = recipe.random("w2l_boxes")
    base = np.array((50, 30, 130, 120))
    boxes = [(base + random.integers(-6, 7, 4)).tolist() for _ in range(FRAMES)]
    return [recipe.image(f"w2l_frame{k}", HEIGHT, WIDTH) for k in range(FRAMES)], boxes


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    """Of the core's encoder, cut off where the original stops."""
    stream = MelStream(Fraction(25))
    rows = np.concatenate([stream.push(recipe.wave("w2l_e2e", 16_000)), stream.flush()])
    return rows[: len(compat.mel_starts(1 + 16_000 // 200, 25.0))]


@pytest.fixture(scope="module")
def runtime(checkpoint: Path) -> TorchRuntime:
    return TorchRuntime(checkpoint, "cpu", "fp32", threads=2)


@pytest.mark.parametrize("case", ["default", "nosmooth_pads", "box"])
def test_whole_clips_come_out_as_there(parity, clip, windows, runtime, case: str):
    frames, faces = clip
    assert parity.meta("wav2lip_e2e")["boxes"] == faces
    size = (WIDTH, HEIGHT)
    if case == "box":
        boxes = [(50, 30, 131, 120)] * FRAMES
    elif case == "nosmooth_pads":
        boxes = [compat.padded(face, (5, 20, 3, 4), size) for face in faces]
    else:
        wide = np.array([compat.padded(face, compat.PADS, size) for face in faces])
        boxes = [tuple(box) for box in compat.smoothed(wide).tolist()]
    made = np.stack(list(compat.render(frames, boxes, windows, runtime)))
    assert len(made) == 22
    apart = parity.check("wav2lip_e2e", f"frames_{case}", made)
    assert (apart > 0).mean() < 0.005
    outside = np.ones((HEIGHT, WIDTH), bool)
    x1, y1 = np.min(boxes, axis=0)[:2]
    x2, y2 = np.max(boxes, axis=0)[2:]
    outside[y1:y2, x1:x2] = False
    assert np.array_equal(made[13][outside], frames[13 % FRAMES][outside])


def test_pads_stay_inside_the_frame():
    assert compat.padded((3, 2, 190, 155), (5, 20, 4, 9), (192, 160)) == (0, 0, 192, 160)
