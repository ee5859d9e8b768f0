"""Voice activity: speech is heard, silence is not, and live equals offline."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lipsync_core import samples
from lipsync_core.media.sound import read_mono
from lipsync_core.voice import activity
from lipsync_core.voice.activity import ActivityStream, EnergyJudge, SileroJudge


@pytest.fixture(scope="module")
def speech():
    """2.5 s of speech between a second of near silence on either side."""
    voice = np.concatenate(list(read_mono(samples.voice(), 16000)))[:40000]
    quiet = np.random.default_rng(0).normal(0, 2e-4, 16000).astype(np.float32)
    return np.concatenate([quiet, voice, quiet])


@pytest.mark.parametrize("judge", [SileroJudge, EnergyJudge])
def test_speech_is_heard_and_silence_is_not(speech, judge):
    stream = ActivityStream(Fraction(25), judge())
    rows = np.concatenate([stream.push(speech), stream.flush()])
    assert len(rows) == -(-len(speech) * 25 // 16000)
    assert rows.min() >= 0 and rows.max() <= 1
    assert rows[:18].max() < 0.2 and rows[-12:].max() < 0.2
    assert np.median(rows[30:80]) > 0.9
    assert np.abs(np.diff(rows)).max() < 0.6, "it fades, it does not switch"


@pytest.mark.parametrize("level", [-30, -40, -50])
def test_quiet_speech_is_heard_like_loud_speech(speech, level):
    def rows(sound):
        stream = ActivityStream(Fraction(25), SileroJudge())
        return np.concatenate([stream.push(sound), stream.flush()]) > 0.5

    quiet = rows(speech * np.float32(10 ** (level / 20)))
    assert np.mean(quiet == rows(speech)) > 0.95


@pytest.mark.parametrize("level", [-40, -60, -80])
def test_noise_is_no_speech_however_loud(level):
    sound = np.random.default_rng(0).normal(0, 10 ** (level / 20), 48_000).astype(np.float32)
    stream = ActivityStream(Fraction(25), SileroJudge())
    assert np.concatenate([stream.push(sound), stream.flush()]).max() < 0.5


@pytest.mark.parametrize("fps", [Fraction(24000, 1001), Fraction(25), Fraction(60000, 1001)])
@pytest.mark.parametrize("size", [160, 511, 512, 7001])
def test_any_pushes_give_the_same_rows(speech, fps, size):
    sound = speech[:30000]
    whole = ActivityStream(fps, EnergyJudge())
    expected = np.concatenate([whole.push(sound), whole.flush()])
    stream = ActivityStream(fps, EnergyJudge())
    parts = [stream.push(sound[i : i + size]) for i in range(0, len(sound), size)]
    got = np.concatenate([*parts, stream.flush()])
    assert len(got) == -(-len(sound) * fps // 16000)
    assert np.array_equal(got, expected)


def test_lookahead_is_what_is_stated():
    stream, fps = ActivityStream(Fraction(25), EnergyJudge()), 25
    given = 0
    for n in range(1, 60):
        given += len(stream.push(np.zeros(512, np.float32)))
        heard = n * 512 / 16000
        assert given / fps >= heard - activity.LOOKAHEAD - 1 / fps


@pytest.mark.parametrize("samples_", [0, 1, 300, 3200])
def test_short_sounds(samples_):
    stream = ActivityStream(Fraction(25))
    rows = np.concatenate([stream.push(np.zeros(samples_, np.float32)), stream.flush()])
    assert len(rows) == -(-samples_ * 25 // 16000) and not rows.any()


def test_energy_serves_where_silero_does_not_load(monkeypatch):
    def broken(self):
        raise ImportError

    assert activity.best_judge().name == "silero"
    monkeypatch.setattr(SileroJudge, "__init__", broken)
    assert activity.best_judge().name == "energy"


def test_an_hour_keeps_no_hour(speech):
    stream = ActivityStream(Fraction(25), EnergyJudge())
    for _ in range(200):
        stream.push(np.zeros(16000, np.float32))
    assert len(stream._speech) < 1000
