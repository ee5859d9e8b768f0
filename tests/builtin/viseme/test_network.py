"""The shipped network: small, what the figures file says it is, and the same streamed as whole."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from lipsync_core.builtin.viseme import network
from lipsync_core.builtin.viseme.melspec import BANDS, SILENT_FRAME
from lipsync_core.builtin.viseme.network import (
    FRAMES_AFTER,
    FRAMES_BEFORE,
    FRAMES_PER_STEP,
    MODEL,
    RECEPTIVE_FRAMES,
    WeightStream,
)
from lipsync_core.builtin.viseme.normalisation import (
    CLIP_HIGH,
    CLIP_LOW,
    RunningStatistics,
    normalise,
)
from lipsync_core.builtin.viseme.targets import VISEMES

FIGURES = Path(__file__).parents[3] / "training" / "viseme" / "figures.json"


@pytest.fixture(scope="module")
def session():
    return network.load()


def frames(count: int, seed: int = 0) -> np.ndarray:
    """Random numbers that clipping leaves alone, also after one is added."""
    values = np.random.default_rng(seed).normal(0, 1, (count, BANDS)).clip(CLIP_LOW, CLIP_HIGH - 1)
    return values.astype(np.float32)


def neutral(count: int) -> np.ndarray:
    """Statistics that change nothing."""
    return np.tile(np.array([[[0.0], [1.0]]], np.float32), (count, 1, BANDS))


def weights_of(session, mel: np.ndarray) -> np.ndarray:
    return WeightStream(session).push(mel, neutral(len(mel)))


def test_model_is_under_two_megabytes() -> None:
    assert 100_000 < MODEL.stat().st_size < 2_000_000


def test_figures_are_of_the_shipped_model() -> None:
    if not FIGURES.exists():
        pytest.skip("training/ is not part of an installed package")
    figures = json.loads(FIGURES.read_text(encoding="utf-8"))
    assert figures["model"]["sha256"] == hashlib.sha256(MODEL.read_bytes()).hexdigest()
    assert figures["model"]["bytes"] == MODEL.stat().st_size


def test_promised_quality_on_speech_never_trained_on() -> None:
    if not FIGURES.exists():
        pytest.skip("training/ is not part of an installed package")
    test = json.loads(FIGURES.read_text(encoding="utf-8"))["test"]
    assert test["closure_recall"] > 0.8
    assert test["closure_precision"] > 0.8
    assert test["correlation"]["jaw"] > 0.86


def test_weights_are_a_distribution(session) -> None:
    weights = weights_of(session, frames(80))
    assert weights.shape == ((80 - FRAMES_AFTER) // FRAMES_PER_STEP, len(VISEMES))
    assert weights.dtype == np.float32
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_chunks_give_the_bits_of_the_whole(session, seed: int) -> None:
    mel = frames(120)
    statistics = RunningStatistics().push(mel)
    cuts = np.sort(np.random.default_rng(seed).integers(0, len(mel), 9))
    stream = WeightStream(session)
    pieces = [
        stream.push(piece, heard)
        for piece, heard in zip(np.split(mel, cuts), np.split(statistics, cuts), strict=True)
    ]
    whole = WeightStream(session).push(mel, statistics)
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_a_window_is_normalised_by_its_newest_statistics(session) -> None:
    mel = frames(RECEPTIVE_FRAMES)
    statistics = RunningStatistics().push(mel)
    step = (len(mel) - FRAMES_AFTER) // FRAMES_PER_STEP - 1
    newest = FRAMES_PER_STEP * step + 1 + FRAMES_AFTER
    by_newest = normalise(mel, *statistics[newest])
    silence = np.tile(normalise(SILENT_FRAME, *statistics[newest]), (FRAMES_BEFORE, 1))
    window = np.concatenate([silence, by_newest])[: newest + 1 + FRAMES_BEFORE][-RECEPTIVE_FRAMES:]
    logits = session.run(None, {network.INPUT: window[None]})[0][0, 0]
    expected = np.exp(logits - logits.max())
    made = WeightStream(session).push(mel, statistics)[step]
    np.testing.assert_allclose(made, expected / expected.sum(), atol=1e-5)


def test_stream_equals_the_network_over_everything_at_once(session) -> None:
    mel = frames(120)
    padded = np.concatenate([np.tile(SILENT_FRAME.clip(CLIP_LOW), (FRAMES_BEFORE, 1)), mel])
    logits = session.run(None, {network.INPUT: padded[None]})[0][0]
    whole = np.exp(logits - logits.max(1, keepdims=True))
    whole /= whole.sum(1, keepdims=True)
    np.testing.assert_allclose(weights_of(session, mel), whole, atol=1e-5)


def test_receptive_field_is_exactly_what_is_declared(session) -> None:
    mel, step = frames(140), 30
    plain = weights_of(session, mel)

    def changed_rows(frame: int) -> set[int]:
        other = mel.copy()
        other[frame] += 1.0
        return set(np.flatnonzero((weights_of(session, other) != plain).any(1)).tolist())

    first, last = FRAMES_PER_STEP * step - FRAMES_BEFORE, FRAMES_PER_STEP * step + FRAMES_AFTER + 1
    assert step in changed_rows(first)
    assert step not in changed_rows(first - 1)
    assert step in changed_rows(last)
    assert step not in changed_rows(last + 1)


def test_lookahead_is_stated_in_samples() -> None:
    assert pytest.approx(0.1025) == network.LOOKAHEAD
