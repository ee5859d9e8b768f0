"""The shipped network: small, what the figures file says it is, and the same streamed as whole."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from lipsync_core.builtin.viseme import network
from lipsync_core.builtin.viseme.melspec import BANDS
from lipsync_core.builtin.viseme.network import (
    FRAMES_AFTER,
    FRAMES_BEFORE,
    FRAMES_PER_STEP,
    MODEL,
    WeightStream,
)
from lipsync_core.builtin.viseme.normalisation import idle_frame
from lipsync_core.builtin.viseme.targets import VISEMES

FIGURES = Path(__file__).parents[3] / "training" / "viseme" / "figures.json"


@pytest.fixture(scope="module")
def session():
    return network.load()


def frames(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (count, BANDS)).astype(np.float32)


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
    assert test["correlation"]["jaw"] > 0.85


def test_weights_are_a_distribution(session) -> None:
    weights = WeightStream(session).push(frames(80))
    assert weights.shape == ((80 - FRAMES_AFTER) // FRAMES_PER_STEP, len(VISEMES))
    assert weights.dtype == np.float32
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_chunks_give_the_bits_of_the_whole(session, seed: int) -> None:
    mel = frames(120)
    cuts = np.sort(np.random.default_rng(seed).integers(0, len(mel), 9))
    stream = WeightStream(session)
    pieces = [stream.push(piece) for piece in np.split(mel, cuts)]
    np.testing.assert_array_equal(np.concatenate(pieces), WeightStream(session).push(mel))


def test_stream_equals_the_network_over_everything_at_once(session) -> None:
    mel = frames(120)
    padded = np.concatenate([np.tile(idle_frame(), (FRAMES_BEFORE, 1)), mel])
    logits = session.run(None, {network.INPUT: padded[None]})[0][0]
    whole = np.exp(logits - logits.max(1, keepdims=True))
    whole /= whole.sum(1, keepdims=True)
    np.testing.assert_allclose(WeightStream(session).push(mel), whole, atol=1e-5)


def test_receptive_field_is_exactly_what_is_declared(session) -> None:
    mel, step = frames(140), 30
    plain = WeightStream(session).push(mel)

    def changed_rows(frame: int) -> set[int]:
        other = mel.copy()
        other[frame] += 1.0
        return set(np.flatnonzero((WeightStream(session).push(other) != plain).any(1)).tolist())

    first, last = FRAMES_PER_STEP * step - FRAMES_BEFORE, FRAMES_PER_STEP * step + FRAMES_AFTER + 1
    assert step in changed_rows(first)
    assert step not in changed_rows(first - 1)
    assert step in changed_rows(last)
    assert step not in changed_rows(last + 1)


def test_lookahead_is_stated_in_samples() -> None:
    assert pytest.approx(0.1025) == network.LOOKAHEAD
