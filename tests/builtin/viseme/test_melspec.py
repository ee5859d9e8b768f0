"""Log-mel and its running normalisation: right numbers, same bits for any chunking."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_core.builtin.viseme.melspec import (
    BANDS,
    HOP,
    SAMPLE_RATE,
    SILENT_FRAME,
    WINDOW,
    LogMel,
    log_mel,
    mel_filters,
)
from lipsync_core.builtin.viseme.normalisation import (
    CLIP_HIGH,
    CLIP_LOW,
    RunningStatistics,
    idle_frame,
    normalise,
)


def voice_like(seconds: float, seed: int = 0, gain: float = 0.1) -> np.ndarray:
    """Coloured noise in syllables: 4 bursts a second."""
    rng = np.random.default_rng(seed)
    count = int(seconds * SAMPLE_RATE)
    noise = np.convolve(rng.normal(size=count), (0.6, 0.3, 0.1), "same")
    envelope = 0.02 + np.maximum(np.sin(2 * np.pi * 4 * np.arange(count) / SAMPLE_RATE), 0)
    return (gain * noise * envelope).astype(np.float32)


def in_pieces(samples: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    cuts = np.cumsum(sizes)
    return np.split(samples, cuts[cuts < len(samples)])


def normalised(frames: np.ndarray) -> np.ndarray:
    """Every frame by the statistics right after it."""
    statistics = RunningStatistics().push(frames)
    return normalise(frames, statistics[:, 0], statistics[:, 1])


def test_frame_count_and_floor() -> None:
    frames = log_mel(np.zeros(SAMPLE_RATE, np.float32))
    assert frames.shape == (1 + (SAMPLE_RATE - WINDOW // 2) // HOP, BANDS)
    assert frames.dtype == np.float32
    np.testing.assert_allclose(frames, np.tile(SILENT_FRAME, (len(frames), 1)), atol=1e-6)


def test_equals_the_textbook_formula() -> None:
    samples = voice_like(0.5)
    padded = np.concatenate([np.zeros(WINDOW // 2), samples])
    window = np.hanning(WINDOW + 1)[:-1]
    frame = padded[10 * HOP : 10 * HOP + WINDOW] * window
    power = np.abs(np.fft.rfft(frame, 512)) ** 2
    np.testing.assert_allclose(
        log_mel(samples)[10], np.log(mel_filters() @ power + 1e-7), atol=1e-3
    )


@pytest.mark.parametrize("hz", [200.0, 1000.0, 4000.0])
def test_a_tone_lights_its_own_band(hz: float) -> None:
    tone = np.sin(2 * np.pi * hz * np.arange(8000) / SAMPLE_RATE).astype(np.float32)
    band = int(log_mel(tone)[20].argmax())
    centre = mel_filters()[band] @ np.fft.rfftfreq(512, 1 / SAMPLE_RATE)
    assert centre == pytest.approx(hz, rel=0.15)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3000), min_size=1, max_size=20))
def test_any_chunking_gives_the_same_bits(sizes: list[int]) -> None:
    samples = voice_like(1.0)
    mel, statistics = LogMel(), RunningStatistics()
    frames = [mel.push(piece) for piece in in_pieces(samples, sizes)]
    heard = [statistics.push(piece) for piece in frames]
    whole = log_mel(samples)
    np.testing.assert_array_equal(np.concatenate(frames), whole)
    np.testing.assert_array_equal(np.concatenate(heard), RunningStatistics().push(whole))


def test_statistics_are_causal() -> None:
    frames = log_mel(voice_like(1.0))
    changed = frames.copy()
    changed[60:] += 3.0
    before, after = RunningStatistics().push(frames), RunningStatistics().push(changed)
    np.testing.assert_array_equal(before[:60], after[:60])
    assert not np.allclose(before[60:], after[60:])


@pytest.mark.parametrize("gain", [0.02, 0.5])
def test_level_hardly_matters_after_a_few_seconds(gain: float) -> None:
    one = normalised(log_mel(voice_like(6.0, gain=0.1)))[400:]
    other = normalised(log_mel(voice_like(6.0, gain=gain)))[400:]
    loud = one.mean(1) > 0
    assert np.abs(one[loud] - other[loud]).mean() < 0.3
    assert np.abs(one[loud]).mean() > 0.2


def test_values_are_clipped_and_finite_for_extremes() -> None:
    square = np.sign(np.sin(np.arange(SAMPLE_RATE) / 20)).astype(np.float32)
    for samples in (square, np.zeros(SAMPLE_RATE, np.float32), 1e-8 * square):
        values = normalised(log_mel(samples))
        assert np.isfinite(values).all()
        assert values.min() >= CLIP_LOW
        assert values.max() <= CLIP_HIGH


def test_silence_stays_the_idle_frame() -> None:
    values = normalised(log_mel(np.zeros(2 * SAMPLE_RATE, np.float32)))
    np.testing.assert_allclose(values[0], idle_frame(), atol=1e-6)
    assert values.mean() < -0.8


def test_a_batch_is_many_single_streams() -> None:
    frames = [log_mel(voice_like(0.5, seed=seed)) for seed in range(3)]
    together = RunningStatistics((3,)).push(np.stack(frames, 1))
    for column, alone in enumerate(frames):
        np.testing.assert_array_equal(together[:, :, column], RunningStatistics().push(alone))


def test_settled_statistics_are_the_voices_own_mean_and_deviation() -> None:
    frames = np.random.default_rng(3).normal(0, 1, (6000, BANDS)).astype(np.float32)
    mean, deviation = RunningStatistics(shape_weight=1e-3).push(frames)[-1]
    np.testing.assert_allclose(mean, 0, atol=0.3)
    np.testing.assert_allclose(deviation, 1, atol=0.2)
