"""From speech to edits: nothing choppy, everything filled to the frame."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lipsync_core.clips.cutting import Pace, Span, cut, spans
from lipsync_core.clips.library import Entry, Library
from lipsync_core.errors import UnsupportedInput, UsageError
from lipsync_core.media.conform import Form

PACE = Pace(silence=0.4, speech=0.2, lead=0.0, shortest=0.4)
RATE = 25.0
FORM = Form(width=64, height=64, frame_rate=Fraction(25))


def activity(text):
    """One letter a frame: s speaks."""
    return np.array([1.0 if c == "s" else 0.0 for c in text], np.float32)


def told(parts):
    return [(part.kind[0], part.frames) for part in parts]


@pytest.mark.parametrize(
    ("spoken", "parts"),
    [
        ("s" * 30, [("t", 30)]),
        ("." * 30, [("s", 30)]),
        ("s" * 20 + "." * 20 + "s" * 20, [("t", 20), ("s", 20), ("t", 20)]),
        ("s" * 20 + "." * 9 + "s" * 20, [("t", 49)]),  # a pause of 0.36 s
        ("." * 20 + "s" * 4 + "." * 20, [("s", 44)]),  # a click of 0.16 s
        ("." * 20 + "s" * 5 + "." * 20, [("s", 20), ("t", 5), ("s", 20)]),
        ("." * 9 + "s" * 20, [("t", 29)]),  # too short a rest at the start
        ("." * 8 + "s" * 4 + "." * 8 + "s" * 20, [("t", 40)]),
    ],
)
def test_speech_and_silence_in_turn(spoken, parts):
    assert told(spans(activity(spoken), RATE, PACE)) == parts


def test_a_talk_clip_begins_before_the_first_word():
    pace = Pace(silence=0.4, speech=0.2, lead=0.2, shortest=0.4)
    found = spans(activity("." * 30 + "s" * 20 + "." * 30), RATE, pace)
    assert [(p.start, p.stop) for p in found] == [(0, 25), (25, 55), (55, 80)]
    close = spans(activity("s" * 20 + "." * 15 + "s" * 20), RATE, pace)
    assert told(close) == [("t", 55)], "what the leads leave of a pause is too short to cut away"


def test_every_frame_is_in_one_span():
    rng = np.random.default_rng(3)
    for _ in range(50):
        spoken = np.repeat(rng.random(60) > 0.5, rng.integers(1, 30, 60)).astype(np.float32)
        found = spans(spoken, RATE, PACE)
        assert found[0].start == 0 and found[-1].stop == len(spoken)
        for one, other in pairwise(found):
            assert one.stop == other.start and one.kind != other.kind


def test_a_pace_that_cannot_be_is_refused():
    with pytest.raises(UsageError, match="silence must lie between"):
        Pace(silence=-1.0)


def entry(file, kind, frames):
    return Entry(
        file=file, kind=kind, because="name", seconds=frames / 25, frames=frames, frame_rate="25",
        width=64, height=64, bit_depth=8, speech=None, face=1.0, bytes=1, modified=1,
    )  # fmt: skip


def library(*entries):
    return Library(folder=Path("lib"), entries=entries, unusable={}, form=FORM)


def shown(edits):
    return [(e.clip.name, e.kind[0], e.first, e.frames, e.hold) for e in edits.edits]


TWO = (entry("a", "talk", 100), entry("b", "talk", 60), entry("q", "silence", 30))


def test_the_clip_that_fits_best_and_was_shown_least():
    parts = [Span("talk", 0, 50), Span("silence", 50, 70), Span("talk", 70, 120)]
    assert shown(cut(library(*TWO), parts, PACE)) == [
        ("b", "t", 0, 50, 0),
        ("q", "s", 0, 20, 0),
        ("a", "t", 0, 50, 0),
    ]


def test_a_clip_goes_on_where_it_was_left():
    parts = [Span("silence", 0, 15), Span("talk", 15, 65), Span("silence", 65, 80)]
    assert [e[2] for e in shown(cut(library(*TWO), parts, PACE)) if e[0] == "q"] == [0, 15]


def test_what_is_too_long_gets_several_and_a_short_rest_is_held():
    parts = [Span("talk", 0, 167)]
    assert shown(cut(library(*TWO), parts, PACE)) == [
        ("a", "t", 0, 100, 0),
        ("b", "t", 0, 60, 7),
    ]
    parts = [Span("talk", 0, 180)]
    assert [e[:1] + e[3:] for e in shown(cut(library(*TWO), parts, PACE))] == [
        ("a", 100, 0),
        ("b", 60, 0),
        ("a", 20, 0),
    ]


def test_silence_without_silence_clips_is_shown_with_talk():
    parts = [Span("silence", 0, 40)]
    (only,) = cut(library(*TWO[:2]), parts, PACE).edits
    assert (only.kind, only.frames) == ("talk", 40)


def test_speech_without_talk_clips_is_refused():
    with pytest.raises(UnsupportedInput, match="holds no talk clip") as error:
        cut(library(TWO[2]), [Span("talk", 0, 40)], PACE)
    assert "clips.json" in error.value.hint


def test_it_always_fills_to_the_frame():
    rng = np.random.default_rng(5)
    for _ in range(40):
        clips = [entry(f"t{n}", "talk", int(rng.integers(3, 200))) for n in range(4)]
        clips += [entry(f"q{n}", "silence", int(rng.integers(3, 90))) for n in range(2)]
        spoken = np.repeat(rng.random(20) > 0.4, rng.integers(1, 200, 20)).astype(np.float32)
        parts = spans(spoken, RATE, PACE)
        edits = cut(library(*clips), parts, PACE)
        assert edits.frames == len(spoken)
        for edit in edits.edits:
            length = next(c.frames for c in clips if c.file == edit.clip.name)
            assert edit.first >= 0 and edit.frames >= 1 and edit.first + edit.frames <= length
