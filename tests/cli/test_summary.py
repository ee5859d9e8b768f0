"""The table at the end of a run: what happened, what was saved, what the licences forbid."""

from __future__ import annotations

import copy
import json

import pytest
from commandline import lipsync

from lipsync_core.cli import summary


@pytest.fixture(scope="module")
def report(tmp_path_factory, face_clip, voice):
    """Of a run."""
    folder = tmp_path_factory.mktemp("report")
    done = lipsync("run", face_clip, voice, "-o", folder / "o.mp4", "--json")
    return json.loads(done.stdout)


def shown(report, capsys) -> str:
    summary.stderr.width = 200
    summary.show_summary(report)
    return capsys.readouterr().err


def test_what_was_not_computed(report, capsys):
    told = copy.deepcopy(report)
    told["saved"] |= {"frames": 12, "why": {"silence": 12, "still": 0}}
    told["saved"]["prepared"] = {
        "frames": {"stored": 75, "again": 3, "made": 0},
        "tracks": {"stored": 1, "again": 0, "made": 0},
    }
    out = shown(told, capsys)
    assert "12 frames not computed: 12 silence" in out and "still" not in out
    assert "before: 75 frames and 1 track from the avatar, 3 frames came again" in out


def test_long_lists_are_cut(report, capsys):
    told = copy.deepcopy(report)
    span = {"first": 0, "last": 4, "why": "no face [x]"}
    told["faces"]["passthrough"] = [span] * 6
    told["chain"]["notes"] = [{"first": 1, "last": 2, "note": "by [the other]"}] * 5
    out = shown(told, capsys)
    assert (
        out.count("passed through: 0-4 (no face [x])") == 4
        and "... and 2 more, see the report" in out
    )
    assert out.count("1-2: by [the other]") == 4 and "... and 1 more, see the report" in out


def test_licences_sound_and_attempts(report, capsys):
    told = copy.deepcopy(report)
    told["licences"] = [
        {"kind": "generator", "name": "x", "weights": "research [only]", "commercial": False}
    ]
    told["output"]["sound_note"] = "was cut"
    told["chain"]["attempts"] = [
        {
            "generator": "a",
            "phase": "probe",
            "shot": None,
            "reason": "no [weights]",
            "hint": "pull",
        },
        {"generator": "b", "phase": "generate", "shot": 2, "reason": "black", "hint": ""},
    ]
    told["chain"]["default_had_to_serve"] = True
    out = shown(told, capsys)
    assert "generator x: research [only]" in out and " - was cut" in out
    assert "a (probe): no [weights]\n  pull\n" in out and "b (generate in shot 2): black\n" in out
    assert "the built-in generator 'viseme' had to serve" in out


@pytest.mark.parametrize(
    ("counts", "words"),
    [({}, "none"), ({"frames": 0}, "none"), ({"frames": 1, "tracks": 2}, "1 frame and 2 tracks")],
)
def test_numbers_in_words(counts, words):
    assert summary.counted(counts) == words
