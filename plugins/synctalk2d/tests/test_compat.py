"""The original script's arithmetic, quirks included, against what it made."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from lipsync_synctalk2d import compat, mel
from lipsync_synctalk2d.audio_runtime import AveRuntime
from lipsync_synctalk2d.torch_runtime import TorchRuntime

from lipsync_core.errors import UnsupportedInput
from lipsync_core.testing import recipe

HEIGHT, WIDTH, FRAMES = 220, 200, 5
SAMPLES = 27_231


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def encoder(ave: Path) -> AveRuntime:
    return AveRuntime(ave, "cpu", threads=1)


def test_the_sound_becomes_the_same_numbers(parity, encoder: AveRuntime):
    golden = "synctalk2d_audio"
    columns = mel.whole(recipe.wave("st_wav", SAMPLES))
    parity.check(golden, "mel", columns)
    windows = compat.mel_windows(columns)
    parity.check(golden, "windows", windows[:, None])
    rows = compat.rows(recipe.wave("st_wav", SAMPLES), encoder.encode)
    parity.check(golden, "feats", rows)
    counts = parity.meta(golden)["counts"]
    assert counts == {"mel_T": len(columns), "data_len": len(windows), "feature_rows": len(rows)}
    numbers = np.repeat(np.arange(1, len(rows) + 1, dtype=np.float32)[:, None], 512, axis=1)
    heard = np.stack([compat.rows_of_frame(numbers, k)[:, 0] for k in range(len(rows))])
    parity.check(golden, "probe", heard)


@pytest.fixture(scope="module")
def clip() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Frames and landmarks."""
    random = recipe.random("st_lms")
    points = []
    for _ in range(FRAMES):
        found = random.integers(0, 200, (110, 2))
        left, right = 40 + int(random.integers(-5, 6)), 160 + int(random.integers(-5, 6))
        found[1, 0], found[31, 0] = left, right
        found[52, 1] = 70 + int(random.integers(-5, 6))
        points.append(found)
    return [recipe.image(f"st_frame{k}", HEIGHT, WIDTH) for k in range(FRAMES)], points


@pytest.mark.parametrize("size", [328, 160])
def test_whole_clips_come_out_as_there(
    parity, clip, encoder: AveRuntime, persons, tmp_path: Path, size: int
):
    golden = f"synctalk2d_e2e_{size}"
    frames, points = clip
    boxes = []
    for k, found in enumerate(points):
        stored = tmp_path / f"{k}.lms"
        stored.write_text("".join(f"{x} {y}\n" for x, y in found))
        boxes.append(compat.box_of(compat.read_landmarks(stored)))
    meta = parity.meta(golden)
    assert [list(box) for box in boxes] == meta["boxes"]
    rows = compat.rows(recipe.wave("st_e2e", 7200), encoder.encode)
    assert list(islice(compat.schedule(FRAMES), len(rows))) == meta["source_index"]
    runtime = TorchRuntime(persons[size], "cpu", "fp32", threads=1)
    made = np.stack(list(compat.render(frames, boxes, rows, runtime)))
    apart = parity.check(golden, "frames", made)
    assert (apart > 1).mean() < 0.005


@pytest.mark.parametrize("frames, expected", [(1, [0, 0, 0]), (2, [1, 0, 1]), (3, [1, 2, 1])])
def test_short_clips_go_forth_and_back_too(frames: int, expected: list[int]):
    assert list(islice(compat.schedule(frames), 3)) == expected


def test_a_sound_without_a_window_is_told(encoder: AveRuntime):
    with pytest.raises(UnsupportedInput, match=r"shorter than 0\.2 s"):
        compat.rows(np.zeros(2999, np.float32), encoder.encode)
    assert len(compat.rows(np.zeros(3000, np.float32), encoder.encode)) == 4


@pytest.mark.parametrize("text", ["", "1 2\n3 4\n", "no numbers\n"])
def test_files_that_are_no_landmarks_are_told(tmp_path: Path, text: str):
    path = tmp_path / "0.lms"
    path.write_text(text)
    with pytest.raises(UnsupportedInput, match=r"0\.lms"):
        compat.read_landmarks(path)


def test_a_box_that_leaves_the_frame_is_cut_and_stretched(clip, persons):
    frames, _ = clip
    runtime = TorchRuntime(persons[160], "cpu", "fp32", threads=1)
    box = (-20, 150, 120, 290)
    rows = np.zeros((1, 512), np.float32)
    (made,) = compat.render(frames[:1], [box], rows, runtime)
    assert made.shape == (HEIGHT, WIDTH, 3)
    assert np.array_equal(made[:150], frames[0][:150])
    assert np.array_equal(made[:, 120:], frames[0][:, 120:])
    assert not np.array_equal(made[150:, :120], frames[0][150:, :120])
