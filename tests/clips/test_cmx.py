"""The CMX 3600 form: columns, time codes, held frames, reels."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest

from lipsync_core.clips.cmx import cmx3600, timecode
from lipsync_core.media.edits import Edit, EditList

EVENT = re.compile(
    r"^(\d{3})  ([A-Z0-9]{1,8}) +(V|A) +C {8}"
    r"(\d\d:\d\d:\d\d:\d\d) (\d\d:\d\d:\d\d:\d\d) (\d\d:\d\d:\d\d:\d\d) (\d\d:\d\d:\d\d:\d\d)$"
)


def frame(code, nominal=25):
    hours, minutes, seconds, frames = map(int, code.split(":"))
    return ((hours * 60 + minutes) * 60 + seconds) * nominal + frames


def edits(rate=25):
    def one(name, kind, first, frames, hold=0):
        return Edit(clip=Path("lib") / name, kind=kind, first=first, frames=frames, hold=hold)

    return EditList(
        frame_rate=Fraction(rate),
        edits=(
            one("talk/interview one.mp4", "talk", 10, 80),
            one("silence/interview two.mp4", "silence", 0, 30, 12),
            one("talk/interview one.mp4", "talk", 0, 40),
            one("größe.mp4", "talk", 5, 6),
        ),
    )


def test_events_follow_each_other_and_name_their_clips():
    text = cmx3600(edits(), "Rède 1", Path("voice file.wav"))
    lines = text.splitlines()
    assert lines[:2] == ["TITLE: R?de 1", "FCM: NON-DROP FRAME"]
    events = [m.groups() for line in lines if (m := EVENT.match(line))]
    assert [e[0] for e in events] == ["001", "002", "003", "004", "005", "006"]
    video = [e for e in events if e[2] == "V"]
    times = [[frame(code) for code in e[3:]] for e in video]
    assert times == [
        [10, 90, 0, 80],
        [0, 30, 80, 110],
        [29, 41, 110, 122],
        [0, 40, 122, 162],
        [5, 11, 162, 168],
    ]
    assert [e[1] for e in video] == ["INTERVIE", "INTERVI2", "INTERVI2", "INTERVIE", "GRSSE"]
    (sound,) = [e for e in events if e[2] == "A"]
    assert [frame(code) for code in sound[3:]] == [0, 168, 0, 168]
    assert "M2   INTERVI2       000.0                00:00:01:04" in lines
    assert "* FROM CLIP NAME: interview one.mp4" in lines
    assert lines.count("* AS RECORDED") == 1 and lines.count("* LIP SYNC") == 3
    assert all(ord(c) < 128 for line in lines if EVENT.match(line) for c in line)


@pytest.mark.parametrize(
    ("number", "nominal", "code"),
    [(0, 25, "00:00:00:00"), (1499, 25, "00:00:59:24"), (107892, 30, "00:59:56:12")],
)
def test_time_codes_count_frames(number, nominal, code):
    assert timecode(number, nominal) == code
    assert frame(code, nominal) == number


def test_the_nominal_rate_of_ntsc():
    text = cmx3600(edits(Fraction(30000, 1001)), "t", Path("v.wav"))
    assert "00:00:02:20" in text  # frame 80
