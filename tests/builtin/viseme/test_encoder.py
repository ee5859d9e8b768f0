"""The encoder as the contract wants it: row counts, live equals offline, silence, and it hears speech."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from lipsync_core.builtin.plugin import VISEME_ENCODER
from lipsync_core.builtin.viseme.encoder import LOOKAHEAD, ROW, VisemeEncoder, lookahead
from lipsync_core.builtin.viseme.targets import CURVES, VISEMES
from lipsync_core.contracts import OpenContext
from lipsync_core.errors import PluginFault

RATE = 16000
FPS = Fraction(25)
RATES = [
    Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001),
    Fraction(30), Fraction(50), Fraction(60000, 1001),
]  # fmt: skip


@pytest.fixture(scope="module")
def encoder():
    made = VisemeEncoder()
    made.open(OpenContext())
    yield made
    made.close()
    made.close()


def encode(encoder: VisemeEncoder, samples: np.ndarray, fps: Fraction = FPS) -> np.ndarray:
    stream = encoder.stream(RATE, fps)
    return np.concatenate([stream.push(samples), stream.flush()])


def vowel(formants: tuple[float, ...], seconds: float, voice: np.random.Generator) -> np.ndarray:
    """Source and filter: a 120 Hz pulse train through two-pole resonators."""
    count = int(seconds * RATE)
    pitch = 120 * (1 + 0.05 * np.sin(np.arange(count) / 3000))
    phase = np.cumsum(pitch / RATE)
    sound = np.diff(np.floor(phase), prepend=0.0) + 0.002 * voice.normal(size=count)
    for hz in formants:
        radius = math.exp(-math.pi * 90 / RATE)
        a1, a2 = -2 * radius * math.cos(2 * math.pi * hz / RATE), radius * radius
        out = np.zeros(count + 2)
        for i in range(count):
            out[i + 2] = sound[i] - a1 * out[i + 1] - a2 * out[i]
        sound = out[2:] * (1 + a1 + a2)
    return (0.3 * sound / np.abs(sound).max()).astype(np.float32)


@pytest.fixture(scope="module")
def babble() -> np.ndarray:
    """a i u a with stops between, 2.4 s."""
    rng = np.random.default_rng(0)
    gap = 0.001 * rng.normal(size=1600).astype(np.float32)
    sounds = [(730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (730, 1090, 2440)]
    pieces = [gap, gap]
    for formants in sounds:
        pieces += [vowel(formants, 0.4, rng), gap]
    return np.concatenate(pieces).astype(np.float32)


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("count", [0, 1, 159, 3200, RATE, RATE + 1])
def test_ceil_of_duration_times_fps_rows(encoder, fps: Fraction, count: int) -> None:
    samples = 0.1 * np.random.default_rng(1).normal(size=count).astype(np.float32)
    rows = encode(encoder, samples, fps)
    assert rows.shape == (math.ceil(Fraction(count, RATE) * fps), ROW)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()


@pytest.mark.parametrize("seed", range(4))
def test_live_equals_offline_bit_for_bit(encoder, babble, seed: int) -> None:
    rng = np.random.default_rng(seed)
    cuts = np.sort(rng.integers(0, len(babble), 15))
    stream = encoder.stream(RATE, RATES[seed])
    live = [stream.push(piece) for piece in np.split(babble, cuts)]
    live.append(stream.flush())
    np.testing.assert_array_equal(np.concatenate(live), encode(encoder, babble, RATES[seed]))


@pytest.mark.parametrize("fps", RATES)
def test_rows_come_within_the_declared_lookahead(encoder, fps: Fraction) -> None:
    stream = encoder.stream(RATE, fps)
    given, heard = 0, 0
    for _ in range(60):
        given += len(stream.push(np.zeros(160, np.float32)))
        heard += 160
        late = Fraction(heard - 160, RATE) - lookahead(fps)
        assert given >= math.floor(late * fps) + 1
    assert float(lookahead(fps)) <= LOOKAHEAD
    assert LOOKAHEAD < 0.24


def test_first_row_within_a_quarter_second(encoder) -> None:
    assert len(encoder.stream(RATE, FPS).push(np.zeros(RATE // 4, np.float32))) >= 1


def test_later_sound_does_not_change_rows_already_given(encoder, babble) -> None:
    head = encoder.stream(RATE, FPS).push(babble[:20000])
    np.testing.assert_array_equal(head, encode(encoder, babble)[: len(head)])


@pytest.mark.parametrize("level", [0.0, 1e-5, 3e-4])
def test_silence_and_faint_noise_are_a_mouth_at_rest(encoder, level: float) -> None:
    samples = (level * np.random.default_rng(2).normal(size=3 * RATE)).astype(np.float32)
    curves = encode(encoder, samples)[:, len(VISEMES) :]
    assert np.abs(curves).max() < 0.15


def test_voiced_sound_opens_the_mouth_and_vowels_differ(encoder, babble) -> None:
    rows = encode(encoder, babble)
    curve = {name: rows[:, len(VISEMES) + i] for i, name in enumerate(CURVES)}

    def at(seconds: float, name: str) -> float:
        frame = round(seconds * 25)
        return float(curve[name][frame - 3 : frame + 4].mean())

    a, i, u = 0.4, 0.9, 1.4
    assert at(a, "jaw") > 0.3
    assert at(a, "jaw") > at(i, "jaw") + 0.1
    assert at(a, "jaw") > at(u, "jaw") + 0.1
    assert at(i, "wide") > at(u, "wide") + 0.1
    assert at(u, "pucker") > at(i, "pucker") + 0.1


def test_nan_and_infinity_count_as_silence(encoder, babble) -> None:
    spoiled, clean = babble.copy(), babble.copy()
    spoiled[1000:1010] = np.nan
    spoiled[2000] = np.inf
    clean[1000:1010] = 0
    clean[2000] = 0
    np.testing.assert_array_equal(encode(encoder, spoiled), encode(encoder, clean))


def test_wrong_rate_and_unopened_are_clear_errors(encoder) -> None:
    with pytest.raises(PluginFault, match="44100"):
        encoder.stream(44100, FPS)
    with pytest.raises(PluginFault, match="opened"):
        VisemeEncoder().stream(RATE, FPS)


def test_spec_declares_what_the_encoder_does() -> None:
    assert VISEME_ENCODER.feature_shape == (ROW,)
    assert VISEME_ENCODER.sample_rate == RATE
    assert VISEME_ENCODER.lookahead == LOOKAHEAD
    module, _, name = VISEME_ENCODER.factory.partition(":")
    assert (module, name) == (VisemeEncoder.__module__, VisemeEncoder.__name__)
