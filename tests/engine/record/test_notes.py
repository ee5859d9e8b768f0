"""What generators note of their frames: ranges in the report, also of a run that was killed in between."""

from __future__ import annotations

import json

import fakes
import pytest

from lipsync_core.engine.record.notes import Notes
from lipsync_core.specs import ChunkSpec


def test_of_frames_made_twice_the_last_word_counts():
    kept: list[dict[str, object]] = []
    notes = Notes(kept.append)
    notes.tell("a", 0, 15, "one")
    notes.tell("a", 12, 27, "one")
    notes.tell("a", 24, 39, "two")
    notes.tell("b", 0, 39, "void")
    told = [
        {"first": 0, "last": 23, "generator": "a", "note": "one"},
        {"first": 24, "last": 35, "generator": "a", "note": "two"},
    ]
    assert notes.ranges({0: "a", 1: "c"}, [(0, 36), (36, 50)]) == told
    again = Notes(kept.append, [{"shot": 0, "generator": "a"}, *json.loads(json.dumps(kept))])
    assert again.ranges({0: "a", 1: "c"}, [(0, 36), (36, 50)]) == told


def test_frames_without_a_word_are_left_out():
    notes = Notes(lambda entry: None)
    notes.tell("a", 3, 5, "x")
    notes.tell("a", 9, 9, "x")
    ranges = notes.ranges({0: "a"}, [(0, 12)])
    assert [(r["first"], r["last"]) for r in ranges] == [(3, 5), (9, 9)]
    assert Notes(lambda entry: None).ranges({}, [(0, 12)]) == []


@pytest.mark.parametrize("isolate", [(), ("two",)])
def test_the_report_tells_which_network_made_which_frames(face_clip, voice, job, isolate):
    spec = fakes.spec("two", fakes.TwoNetworks, chunk=ChunkSpec(frames=8))
    done = job(
        face_clip,
        voice,
        registry=fakes.registry(spec),
        generators=("two",),
        silence="generate",
        isolate=isolate,
    )
    assert [(r["first"], r["last"], r["note"]) for r in done.report["chain"]["notes"]] == [
        (0, 15, "first"),
        (16, 23, "second"),
        (24, 29, "first"),
    ]


def test_a_generator_that_failed_has_no_say(face_clip, voice, job):
    faulty = fakes.spec("faulty", fakes.NotesAndFails, chunk=ChunkSpec(frames=8))
    registry = fakes.registry(faulty, fakes.spec("painter"))
    done = job(
        face_clip, voice, registry=registry, generators=("faulty", "painter"), silence="generate"
    )
    assert done.report["chain"]["used"] == {"painter": 30}
    assert done.report["chain"]["notes"] == []
