"""Sounds longer than the 30 s that Whisper hears: no seam shows, live equals offline, memory is bounded."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from lipsync_musetalk import whisper_mel
from lipsync_musetalk.encoder import MUSETALK, WindowStream
from lipsync_musetalk.whisper_rows import LIVE, OVERLAPPING, ROW, SEGMENTS, Plan, RowStream
from lipsync_musetalk.whisper_runtime import WhisperRuntime

from lipsync_core.testing import recipe

SEAM = 1500
"""Row at 30 s, where the originals begin anew."""
PLANS = {"overlapping": OVERLAPPING, "live": LIVE, "segments": SEGMENTS}


@pytest.fixture(scope="module")
def runtime(whisper_files: dict[str, Path]) -> WhisperRuntime:
    return WhisperRuntime(whisper_files["pytorch_model.bin"], "cpu", 1)


class Told:
    """In place of the network: each row tells the sound that it belongs to; counts what was asked."""

    def __init__(self) -> None:
        self.lengths: list[int] = []

    def __call__(self, sound: np.ndarray) -> np.ndarray:
        self.lengths.append(len(sound))
        rows = sound[: len(sound) // ROW * ROW].reshape(-1, ROW)[:, 0]
        return np.broadcast_to(rows[:, None, None], (len(rows), 5, 384)).astype(np.float32)


def numbered(samples: int) -> np.ndarray:
    """A sound whose every sample tells its row."""
    return (np.arange(samples) // ROW).astype(np.float32)


def rows_of(hear, plan: Plan, sound: np.ndarray, push: int | None = None) -> np.ndarray:
    stream = RowStream(hear, plan)
    step = push or max(1, len(sound))
    pieces = [stream.push(sound[a : a + step]) for a in range(0, len(sound), step)]
    return np.concatenate([*pieces, stream.flush()])


def test_features_around_30_seconds_are_those_of_an_unbroken_context(runtime: WhisperRuntime):
    sound = recipe.wave("seam", 46 * 16_000)

    def hear(part: np.ndarray) -> np.ndarray:
        mel = whisper_mel.padded_before(part)
        return runtime.layers(mel[None], normed=True)[0, : len(part) // ROW]

    found = rows_of(hear, OVERLAPPING, sound)
    hard = rows_of(hear, SEGMENTS, sound)
    assert len(found) == len(hard) == len(sound) // ROW
    begin = SEAM - 750
    centred = hear(sound[begin * ROW : (begin + 1500) * ROW])
    near = slice(SEAM - 100, SEAM + 100)
    spread = centred.std()
    off = np.abs(found[near] - centred[650:850]).mean() / spread
    hard_off = np.abs(hard[near] - centred[650:850]).mean() / spread
    assert off < 0.01
    assert hard_off > 0.3
    # No step from row to row is larger than elsewhere, also where one window hands over to the next.
    steps = np.abs(np.diff(found, axis=0)).mean((1, 2))
    hard_steps = np.abs(np.diff(hard, axis=0)).mean((1, 2))
    assert steps.max() < 1.3 * np.median(steps)
    assert hard_steps[SEAM - 1] > 3 * np.median(hard_steps)
    assert hard_steps.argmax() == SEAM - 1


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("samples", [0, 100, 319, 320, 33 * 320, 480_000, 480_100, 1_234_567])
def test_every_row_is_the_one_of_its_time(plan: str, samples: int):
    rows = rows_of(Told(), PLANS[plan], numbered(samples))
    assert rows.shape == (samples // ROW, 5, 384)
    assert np.abs(rows[:, 0, 0] - np.arange(len(rows))).max(initial=0) < 1e-3


@pytest.mark.parametrize("plan", PLANS)
def test_rows_come_as_soon_as_they_are_certain_and_little_is_held(plan: str):
    told, sound = Told(), numbered(16_000 * 200)
    stream, given = RowStream(told, PLANS[plan]), 0
    for at in range(0, len(sound), 1600):
        rows = stream.push(sound[at : at + 1600])
        assert np.array_equal(rows[:, 0, 0], np.arange(given, given + len(rows)))
        given += len(rows)
        assert given >= (at + 1600) / ROW - PLANS[plan].lookahead * 50 - 1
        assert len(stream._sound) <= 16_000 * 31
    assert max(told.lengths) <= 480_000
    assert given + len(stream.flush()) == 200 * 50


@pytest.mark.parametrize("plan", PLANS)
def test_no_row_depends_on_sound_beyond_the_lookahead(plan: str):
    """Two sounds that part at 40 s: rows before that less the look-ahead are the same."""
    length, turn = 16_000 * 70, 40

    # Each row in terms of everything that its window heard.
    def hear(part: np.ndarray) -> np.ndarray:
        return np.full((len(part) // ROW, 5, 384), part.sum(), np.float32)

    first = np.ones(length, np.float32)
    second = first.copy()
    second[turn * 16_000 :] = 2.0
    a, b = (rows_of(hear, PLANS[plan], sound)[:, 0, 0] for sound in (first, second))
    differ = np.flatnonzero(a != b)
    assert differ[0] >= round((turn - PLANS[plan].lookahead) * 50)
    assert differ[0] <= turn * 50


@pytest.mark.parametrize(
    ("plan", "seconds"), [("overlapping", 31), ("live", 1.7), ("segments", 31)]
)
def test_live_equals_offline(runtime: WhisperRuntime, plan: str, seconds: float):
    sound = recipe.wave("live", int(seconds * 16_000) + 77)
    fps = Fraction(30000, 1001)
    made = []
    for push in (len(sound), 7777):
        stream = WindowStream(runtime, MUSETALK, PLANS[plan], fps)
        parts = [stream.push(sound[a : a + push]) for a in range(0, len(sound), push)]
        made.append(np.concatenate([*parts, stream.flush()]))
    assert np.array_equal(*made)
    assert len(made[0]) == -(-len(sound) * fps // 16_000)
