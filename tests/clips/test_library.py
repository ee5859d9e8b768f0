"""The index of a folder of clips: what is what, measured once, corrected by hand."""

from __future__ import annotations

import json
import os
from fractions import Fraction

import pytest
from facefactory import face_video, speech
from mediafactory import make_video

from lipsync_core.clips import library
from lipsync_core.clips.library import INDEX, FormChoice, build, kind_by_name, read
from lipsync_core.errors import OutputError, UnsupportedInput, UsageError


@pytest.fixture
def folder(tmp_path):
    """Two talk clips, a silence clip, and one of which only its sound tells."""
    for sub in ("talk", "silence"):
        (tmp_path / "lib" / sub).mkdir(parents=True)
    face_video(tmp_path / "lib" / "talk" / "one.mp4", 12)
    face_video(tmp_path / "lib" / "talk" / "two.mp4", 20)
    face_video(tmp_path / "lib" / "silence" / "rest.mp4", 8)
    face_video(tmp_path / "lib" / "unnamed.mp4", 8)
    return tmp_path / "lib"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("talk/a.mp4", "talk"),
        ("a/Speaking clips/3.mp4", "talk"),
        ("silence_03.mp4", "silence"),
        ("Idle-2.MOV", "silence"),
        ("talk/silence_03.mp4", "silence"),
        ("silence/talk 3.mp4", "talk"),
        ("stalker.mp4", None),
        ("anna_01.mp4", None),
        ("instill/9.mp4", None),
    ],
)
def test_names_tell_the_kind(name, kind):
    assert kind_by_name(name) == kind


def test_it_measures_once(folder):
    found, measured = build(folder)
    assert measured == 4
    told = {e.file: (e.kind, e.because, e.frames, e.face) for e in found.entries}
    assert told == {
        "talk/one.mp4": ("talk", "name", 12, 1.0),
        "talk/two.mp4": ("talk", "name", 20, 1.0),
        "silence/rest.mp4": ("silence", "name", 8, 1.0),
        "unnamed.mp4": ("silence", "sound", 8, 1.0),
    }
    assert build(folder) == (found, 0)
    assert read(folder) == found
    face_video(folder / "talk" / "one.mp4", 14)
    again, measured = build(folder)
    assert measured == 1
    assert next(e.frames for e in again.entries if e.file == "talk/one.mp4") == 14


def test_speech_tells_the_kind(tmp_path):
    (tmp_path / "lib").mkdir()
    voice = speech(tmp_path / "v.wav", 2.0)
    face_video(tmp_path / "lib" / "anna.mp4", 50, sound=voice)
    (entry,) = build(tmp_path / "lib")[0].entries
    assert (entry.kind, entry.because) == ("talk", "sound")
    assert entry.speech is not None and entry.speech > 0.5


def test_a_correction_by_hand_stays(folder):
    build(folder)
    index = folder / INDEX
    content = json.loads(index.read_text())
    clip = next(c for c in content["clips"] if c["file"] == "unnamed.mp4")
    clip["kind"] = "talk"
    index.write_text(json.dumps(content))
    assert {e.file for e in read(folder).of("talk")} >= {"unnamed.mp4"}
    for _ in range(2):
        found, _ = build(folder)
        entry = next(e for e in found.entries if e.file == "unnamed.mp4")
        assert (entry.kind, entry.because) == ("talk", "hand")
        face_video(folder / "unnamed.mp4", 9)


def test_what_cannot_be_used_is_named(folder):
    (folder / "talk" / "broken.mp4").write_bytes(b"no video")
    (folder / "notes.txt").write_text("nothing")
    found, _ = build(folder)
    assert len(found.entries) == 4
    assert set(found.unusable) == {"talk/broken.mp4"}
    assert json.loads((folder / INDEX).read_text())["unusable"] == found.unusable


def test_clips_of_other_forms_are_conformed_to_the_one_recorded_most(folder):
    """Three forms: 25 fps for 1.6 s and 0.32 s, a wide one at 50 fps of 1 s, a variable rate of 0.8 s."""
    make_video(folder / "talk" / "wide.mp4", (320, 96), frames=50, fps=50)
    make_video(
        folder / "talk" / "phone.mp4", ticks=[40 * k + k % 3 for k in range(20)],
        time_base=Fraction(1, 1000),
    )  # fmt: skip
    found, _ = build(folder)
    assert not found.unusable
    assert str(found.form) == "288x336 at 25 frames a second"
    assert [e.file for e in found.others] == ["talk/phone.mp4", "talk/wide.mp4"]
    shown = {e.file: (e.frames, e.frame_rate) for e in found.of("talk")}
    assert shown["talk/wide.mp4"] == (25, "25"), "its frames count at the rate of the video"
    assert shown["talk/phone.mp4"] == (20, "25")
    assert shown["talk/one.mp4"] == (12, "25")
    assert read(folder) == found


@pytest.mark.parametrize(
    ("choice", "form"),
    [
        (FormChoice(size=(320, 96)), "320x96 at 25 frames a second"),
        (FormChoice(fps=Fraction(30000, 1001)), "288x336 at 29.97 frames a second"),
        (
            FormChoice(size=(64, 64), fps=Fraction(50), filling="crop"),
            "64x64 at 50 frames a second",
        ),
    ],
)
def test_the_form_can_be_chosen_and_is_remembered(folder, choice, form):
    found, _ = build(folder, choice=choice)
    assert str(found.form) == form and found.form.filling == choice.filling
    assert read(folder).form == found.form
    assert str(build(folder)[0].form) == "288x336 at 25 frames a second"


def test_an_equal_share_of_forms_takes_the_largest(tmp_path):
    (tmp_path / "lib").mkdir()
    for n, size in enumerate([(160, 96), (320, 192), (200, 120)]):
        make_video(tmp_path / "lib" / f"talk{n}.mp4", size, frames=10)
    assert str(build(tmp_path / "lib")[0].form) == "320x192 at 25 frames a second"


@pytest.mark.parametrize(
    "choice",
    [
        lambda: FormChoice(size=(101, 64)),
        lambda: FormChoice(size=(0, 64)),
        lambda: FormChoice(size=(64, 99999)),
        lambda: FormChoice(fps=Fraction(0)),
        lambda: FormChoice(fps=Fraction(1000)),
    ],
)
def test_a_form_that_no_video_can_have_is_refused(folder, choice):
    with pytest.raises(UsageError):
        build(folder, choice=choice())
    assert not (folder / INDEX).exists()


def test_a_form_in_an_index_is_checked_and_may_be_missing(folder):
    found, _ = build(folder)
    index = folder / INDEX
    content = json.loads(index.read_text())
    form = content.pop("form")
    index.write_text(json.dumps(content))
    assert read(folder).form == found.form, "an index of an earlier version"
    for wrong in ({"width": 3}, {"frame_rate": "fast"}, {"conform": "stretch"}, {"height": None}):
        index.write_text(json.dumps(content | {"form": form | wrong}))
        with pytest.raises(UnsupportedInput, match="names a form that no video can have"):
            read(folder)


def test_a_clip_that_changed_since_is_named(folder):
    with pytest.raises(UnsupportedInput, match="holds no index") as error:
        read(folder)
    assert "lipsync clips build" in error.value.hint
    build(folder)
    os.utime(folder / "talk" / "one.mp4")
    with pytest.raises(UnsupportedInput, match=r"one\.mp4 has changed"):
        read(folder)
    (folder / "talk" / "one.mp4").unlink()
    with pytest.raises(UnsupportedInput, match=r"one\.mp4 is gone"):
        read(folder)


def test_what_is_wrong_is_said(folder, tmp_path, monkeypatch):
    with pytest.raises(UnsupportedInput, match="There is no folder"):
        build(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnsupportedInput, match="no clip that can be used"):
        build(tmp_path / "empty")
    build(folder)
    index = folder / INDEX
    good = index.read_text()
    for text, told in (
        ("{", "cannot be read"),
        (good.replace('"kind": "talk"', '"kind": "speech"'), "is of kind 'speech'"),
        (good.replace('"frames"', '"pictures"'), "cannot be read"),
    ):
        index.write_text(text)
        with pytest.raises(UnsupportedInput, match=told):
            build(folder)
    index.write_text(good)
    monkeypatch.setattr(library.Path, "replace", _refused)
    with pytest.raises(OutputError, match="cannot be written"):
        build(folder)
    monkeypatch.undo()
    assert index.read_text() == good
    assert {p.name for p in folder.iterdir()} == {"talk", "silence", "unnamed.mp4", INDEX}


def _refused(*_):
    raise PermissionError(13, "Permission denied")
