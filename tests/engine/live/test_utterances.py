"""What a live session was given and has not shown: samples of frames, order, waiting."""

from __future__ import annotations

import threading
import time
from fractions import Fraction

import numpy as np

from lipsync_core.engine.live.utterances import Utterances


class Half:
    """Speech activity of a half, as long as there is sound."""

    def __init__(self):
        self.ticks = Ticks()

    def push(self, samples):
        return np.full(len(self.ticks.push(samples)), 0.5, np.float32)

    def flush(self):
        return np.full(len(self.ticks.flush()), 0.5, np.float32)


class Ticks:
    """A row per 640 samples (25 a second), known 100 samples later."""

    def __init__(self):
        self.heard = self.given = 0

    def push(self, samples):
        self.heard += len(samples)
        return self._to(max(0, self.heard - 100) // 640)

    def flush(self):
        return self._to(-(-self.heard // 640))

    def _to(self, until):
        rows = np.arange(self.given, until, dtype=np.float32)[:, None]
        self.given = max(self.given, until)
        return rows


def test_sound_of_the_frames_adds_up_at_odd_rates():
    mouth = Utterances(Ticks, None, (1,), Fraction(30000, 1001), rests=False)
    sizes = [len(mouth.step(n)[1]) for n in range(300)]
    assert sum(sizes) == int(300 * 16000 / Fraction(30000, 1001))


def test_utterances_follow_each_other():
    mouth = Utterances(Ticks, None, (1,), Fraction(25), rests=False)
    for value in (0.1, 0.2):
        mouth.push(np.full(1280, value, np.float32))
        mouth.flush()
    said = [mouth.step(n) for n in range(5)]
    assert [speaking for speaking, _ in said] == [True] * 4 + [False]
    assert [round(float(s.mean()), 1) for _, s in said] == [0.1, 0.1, 0.2, 0.2, 0.0]


def test_waiting_ends_early_when_someone_begins_to_speak():
    mouth = Utterances(Ticks, None, (1,), Fraction(25), rests=False)
    assert mouth.wait(time.monotonic() - 1) == 0.0
    threading.Timer(0.05, lambda: mouth.push(np.zeros(2000, np.float32))).start()
    begin = time.monotonic()
    left = mouth.wait(begin + 5)
    assert left > 4 and time.monotonic() - begin < 1


def test_rows_fade_with_speech_where_zero_is_rest_and_after_an_interruption():
    for rests, shown in ((True, 1.0), (False, 2.0)):
        mouth = Utterances(Ticks, Half, (1,), Fraction(25), rests=rests)
        mouth.push(np.zeros(6400, np.float32))
        for n in range(3):
            mouth.step(n)
        assert mouth.rows.value.tolist() == [shown]
        mouth.interrupt()
        for n in range(12):
            mouth.step(3 + n)
        assert mouth.activity.value < 0.01
        assert (mouth.rows.value < 0.01) == rests
