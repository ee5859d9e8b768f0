"""Sound read along with the frames, and the putting together of spans."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from mediafactory import make_sound

from lipsync_core.evaluation.feed import SoundCursor, Span, together
from lipsync_core.specs import BoxCrop, Licence, Margins, Measure, ScorerSpec

RATE = 16_000


@pytest.fixture
def ramp(tmp_path):
    """One second whose samples say where they are: n / 32768."""
    samples = (np.arange(RATE) / 32768).astype(np.float32)
    return make_sound(tmp_path / "ramp.wav", rate=RATE, samples=samples[None])


def places(samples):
    return np.round(samples * 32768).astype(int).tolist()


@pytest.mark.parametrize("lead", [Fraction(0), Fraction(1, 10), Fraction(-1, 10)])
def test_samples_are_counted_from_the_first_frame(ramp, lead):
    cursor = SoundCursor(ramp, RATE, lead)
    at = 3200
    expected = at - int(lead * RATE)
    assert places(cursor.until(at, at + 3)) == [expected, expected + 1, expected + 2]
    assert places(cursor.until(8000, 8002)) == [8000 - int(lead * RATE), 8001 - int(lead * RATE)]


def test_beyond_both_ends_is_silence(ramp):
    cursor = SoundCursor(ramp, RATE, Fraction(1, 1000))
    assert places(cursor.until(14, 18)) == [0, 0, 0, 1]
    assert places(cursor.until(RATE + 14, RATE + 18)) == [RATE - 2, RATE - 1, 0, 0]
    assert places(cursor.until(5 * RATE, 5 * RATE + 2)) == [0, 0]
    assert len(cursor.until(6 * RATE, 6 * RATE)) == 0


def test_the_pieces_together_are_the_whole(ramp):
    cursor = SoundCursor(ramp, RATE, Fraction(0))
    pieces = [cursor.until(a, a + 640) for a in range(0, RATE, 640)]
    assert places(np.concatenate(pieces)) == list(range(RATE))


def spec() -> ScorerSpec:
    return ScorerSpec(
        name="s",
        factory="x:Y",
        summary="for tests",
        licence=Licence(code="Apache-2.0", weights="none needed", commercial=True),
        crop=BoxCrop(size=(96, 96), margins=Margins(), scheme="68"),
        measures=(
            Measure(key="fits", better="higher", help=""),
            Measure(key="apart", better="nearer to 0", help="", optional=True),
            Measure(key="seen", better="count", help=""),
        ),
    )


def span(crops, **figures) -> Span:
    return Span(start=0.0, crops=crops, rate=25, figures=figures)


def test_spans_are_put_together_by_their_length():
    found = [
        span(100, fits=0.9, apart=40.0, seen=3.0),
        span(300, fits=0.5, apart=0.0, seen=4.0),
        span(50, fits=0.1, seen=0.0),
    ]
    told = together(spec(), found)
    assert told["fits"] == pytest.approx((90 + 150 + 5) / 450)
    assert (told["apart"], told["seen"]) == (0.0, 7.0), "one short span must not move the shift"


def test_nothing_scored_gives_no_figures():
    assert together(spec(), []) == {}
    assert set(together(spec(), [span(9, fits=1.0, seen=1.0)])) == {"fits", "seen"}
