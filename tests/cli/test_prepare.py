"""`lipsync prepare`: avatars are made, listed and removed."""

from __future__ import annotations

import json

import fakes
import pytest
from commandline import lipsync

from lipsync_core.registry import PluginRow
from lipsync_core.specs import PrepareSpec


@pytest.fixture
def needs_avatars(rows, own_home):
    """A generator that prepares every frame."""
    own_home()
    slow = fakes.spec("slow", factory="preparers:Shades", prepare=PrepareSpec(scope="frame"))
    quick = fakes.spec("quick")
    rows(PluginRow(name="slow", distribution="lipsync-slow", version="1", specs=(slow, quick)))


def test_an_avatar_is_made_listed_and_removed(needs_avatars, face_clip, tmp_path):
    done = lipsync("prepare", face_clip, "-g", "slow")
    assert done.returncode == 0, done.stderr
    assert "30 frames and 1 track, 30 frames and 1 track of them now" in done.stderr, done.stderr
    listed = lipsync("prepare", face_clip, "--list").stdout
    assert "slow" in listed and "30 frames" in listed and "2 avatars, " in listed
    told = json.loads(lipsync("prepare", "--list", "--json").stdout)["avatars"]
    assert {one["generator"] for one in told} == {"slow", "viseme"}, "lips are closed in silence"
    assert "1 avatar, " in lipsync("prepare", "--remove", "-g", "slow").stdout
    assert "slow" not in lipsync("prepare", "--list").stdout
    gone = json.loads(lipsync("prepare", face_clip, "--remove", "--json").stdout)["removed"]
    assert [one["generator"] for one in gone] == ["viseme"]


def test_nothing_is_prepared(own_home):
    own_home()
    assert lipsync("prepare", "--list").stdout == "No avatar is prepared.\n"
    assert lipsync("prepare", "--remove").stdout == "No avatar was removed.\n"
    assert json.loads(lipsync("prepare", "--list", "--json").stdout) == {"avatars": []}
    assert lipsync("prepare", "--list", "-q").stdout == ""


def test_a_generator_without_preparation(needs_avatars, face_clip):
    done = lipsync("prepare", face_clip, "-g", "quick")
    assert done.returncode == 0, done.stderr
    assert "quick needs no preparation of its own" in done.stderr
    assert "30, 30 with a usable face" in done.stderr
    told = json.loads(lipsync("prepare", face_clip, "-g", "quick", "--json").stdout)
    assert told["frames"] == 30 and told["faces_from_cache"]
    assert lipsync("prepare", face_clip, "-g", "quick", "-q").stderr == ""


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((), 2, "TARGET is missing."),
        (("--list", "--remove"), 2, "--list and --remove exclude each other."),
        (("nowhere.mp4",), 3, "nowhere.mp4"),
        (("nowhere.mp4", "--list"), 3, "nowhere.mp4"),
        (("x.mp4", "--generator", "typo"), 2, "typo"),
        (("x.mp4", "--fps", "0"), 2, "--fps 0 is out of range."),
        (("x.mp4", "--seconds", "-1"), 2, "--seconds"),
    ],
)
def test_what_cannot_be_prepared(words, code, told, tmp_path, own_home):
    own_home()
    done = lipsync("prepare", *words, cwd=tmp_path)
    assert done.returncode == code and told in done.stderr and "Traceback" not in done.stderr
