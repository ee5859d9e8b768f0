"""What generators note of their frames: ranges in the report, also of a run that was killed in between."""

from __future__ import annotations

import fakes
import pytest

from lipsync_core.engine.record.notes import note_file, note_ranges
from lipsync_core.specs import ChunkSpec


def test_of_frames_made_twice_the_last_note_counts(tmp_path):
    notes = note_file(tmp_path, 0, "a")
    notes.add(0, 15, "one")
    notes.add(12, 27, "one")
    notes.add(24, 39, "two")
    note_file(tmp_path, 0, "b").add(0, 39, "void")
    told = [
        {"first": 0, "last": 23, "generator": "a", "note": "one"},
        {"first": 24, "last": 35, "generator": "a", "note": "two"},
    ]
    assert note_ranges(tmp_path, {0: "a", 1: "c"}, [(0, 36), (36, 50)]) == told
    with notes.path.open("a") as file:
        file.write('{"first": 3, "la')  # a kill in the middle of a line
    assert note_ranges(tmp_path, {0: "a", 1: "c"}, [(0, 36), (36, 50)]) == told
    notes.forget()
    assert note_ranges(tmp_path, {0: "a"}, [(0, 36)]) == []


def test_frames_without_a_note_are_left_out(tmp_path):
    notes = note_file(tmp_path, 0, "a")
    notes.add(3, 5, "x")
    notes.add(9, 9, "x")
    ranges = note_ranges(tmp_path, {0: "a"}, [(0, 12)])
    assert [(r["first"], r["last"]) for r in ranges] == [(3, 5), (9, 9)]
    assert note_ranges(tmp_path, {}, [(0, 12)]) == []


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
