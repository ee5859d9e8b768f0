"""`lipsync eval` and `lipsync run --eval` as a person meets them."""

from __future__ import annotations

import base64
import json
import re

import pytest
from commandline import lipsync
from facefactory import face_video, speech
from mediafactory import make_picture, make_video

from lipsync_core.media.still import read_still


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    """Three seconds of the portrait beside its voice."""
    folder = tmp_path_factory.mktemp("talk")
    voice = speech(folder / "voice.wav", 3.0)
    return face_video(folder / "a talk.mp4", 75, sound=voice)


def test_a_table_and_every_form_of_page(talk, tmp_path):
    files = [tmp_path / f"out {n}.{form}" for n, form in enumerate(("html", "png", "json"))]
    done = lipsync("eval", talk, *(word for file in files for word in ("-o", file)))
    assert done.returncode == 0, done.stderr
    for word in ("offset_ms", "correlation", "hit_rate", "flicker_ratio", "sound_longer_by"):
        assert word in done.stdout
    page, plot, data = files
    text = page.read_text("utf-8")
    assert "a talk.mp4" in text and "correlation" in text and "http" not in text
    inside = re.search(r"data:image/png;base64,([^\"]+)", text)
    assert inside and base64.b64decode(inside.group(1))[:4] == b"\x89PNG"
    assert read_still(plot).shape[1] > 800
    assert json.loads(data.read_text())["scorers"]["lips"]["figures"]["correlation"] < 1


def test_json_is_all_there_is_on_stdout(talk):
    done = lipsync("eval", talk, "--reference", talk, "--json")
    told = json.loads(done.stdout)
    assert told["against_reference"]["psnr_mouth"] == 100.0
    assert told["timing"]["frames"] == 75 and "curves" not in told
    assert done.stderr == ""


def refused(tmp_path, face_clip, talk):
    """(words, exit code, what the sentence names)."""
    picture = make_picture(tmp_path / "still.png")
    empty = make_video(tmp_path / "nobody.mp4", sound=True)
    (tmp_path / "words.txt").write_text("hello\n")
    return {
        "a picture": ((picture,), 3, "still.png is a picture"),
        "no sound": ((face_clip,), 3, "--audio"),
        "no face": ((empty,), 3, "nobody.mp4"),
        "not there": (("gone.mp4",), 3, "gone.mp4"),
        "other form": ((talk, "-o", "page.pdf"), 2, ".html"),
        "no such scorer": ((talk, "--scorer", "taste"), 2, "taste"),
        "no phones": ((talk, "--phones", tmp_path / "words.txt"), 3, "words.txt"),
        "other size": ((talk, "--reference", empty), 3, "160x96"),
    }


@pytest.mark.parametrize(
    "case",
    ["a picture", "no sound", "no face", "not there", "other form", "no such scorer", "no phones",
     "other size"],
)  # fmt: skip
def test_what_cannot_be_judged_gets_one_sentence(case, tmp_path, face_clip, talk):
    words, code, named = refused(tmp_path, face_clip, talk)[case]
    out = tmp_path / "kept.json"
    out.write_text("kept")
    done = lipsync("eval", *words, "-o", out, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert named in done.stderr and "Traceback" not in done.stderr
    assert out.read_text() == "kept"


def test_a_run_may_judge_its_own_video(face_clip, tmp_path):
    voice = speech(tmp_path / "v.wav", 2.4)
    done = lipsync("run", face_clip, voice, "-o", "o.mp4", "--eval", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "correlation" in done.stderr and "real time" in done.stderr
    report = json.loads((tmp_path / "o.mp4.report.json").read_text())
    assert report["evaluation"]["scorers"]["lips"]["figures"]["correlation"] > 0.4
    assert {(one["kind"], one["name"]) for one in report["licences"]} >= {
        ("generator", "viseme"), ("blender", "feather"), ("detector", report["faces"]["detector"]),
    }  # fmt: skip


def test_a_video_too_short_to_judge_is_made_all_the_same(face_clip, voice, tmp_path):
    done = lipsync("run", face_clip, voice, "-o", "o.mp4", "--eval", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told == json.loads((tmp_path / "o.mp4.report.json").read_text())
    assert "50 crops" in told["evaluation"]["not_scored"]["lips"]["reason"]
    assert told["evaluation"]["faces"]["hit_rate"] == 1.0
