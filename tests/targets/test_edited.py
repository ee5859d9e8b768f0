"""Edit lists as targets: talk clips get a new mouth, silence clips are shown as they are."""

from __future__ import annotations

import json
from fractions import Fraction

import cv2
import fakes
import numpy as np
import pytest
from facefactory import STRIP, face_frame, face_video, speech
from mediafactory import number_of

from lipsync_core.engine.run import run
from lipsync_core.errors import UnsupportedInput, UsageError
from lipsync_core.media.edits import Edit, EditList, read_edits
from lipsync_core.media.reader import VideoReader
from lipsync_core.requests import RunRequest
from lipsync_core.specs import PrepareSpec


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A talk clip of 30 frames, a silence clip of 12."""
    folder = tmp_path_factory.mktemp("library")
    face_video(folder / "talk.mp4", 30)
    face_video(folder / "quiet clip.mp4", 12)
    return folder


@pytest.fixture(scope="module")
def two_seconds(tmp_path_factory):
    """2.0 s of speech."""
    return speech(tmp_path_factory.mktemp("two") / "voice.wav", 2.0)


def edit(clip, kind, first, frames, hold=0):
    """One edit in JSON."""
    return {"clip": clip, "kind": kind, "first": first, "frames": frames, "hold": hold}


TALK = "talk.mp4"
QUIET = "quiet clip.mp4"
EDITS = [
    edit(TALK, "talk", 4, 20),
    edit(QUIET, "silence", 0, 12, hold=3),
    edit(TALK, "talk", 0, 15),
]
SHOWN = [*range(4, 24), *range(12), *[11] * 3, *range(15)]
SPEAKS = [True] * 20 + [False] * 15 + [True] * 15


def written(folder, edits=EDITS, name="edits.json", **changes):
    """An edit list in a folder."""
    path = folder / name
    content = {"format": "lipsync-edits", "version": 1, "frame_rate": "25", "edits": edits}
    path.write_text(json.dumps(content | changes))
    return path


class Preparer(fakes.Painter):
    """Says what it prepared: which frames of a track it was shown."""

    def prepare(self, crops):
        return {"seen": np.array([len(crops)])}

    def generate(self, chunk):
        assert chunk.prepared["seen"][0] > 1
        return super().generate(chunk)


def pictures(path):
    with VideoReader(path) as reader:
        return [picture.rgb() for picture in reader.frames()]


def green(frame):
    mouth = frame[STRIP + 130 : STRIP + 165, 115:175].astype(int)
    return float((mouth[..., 1] - mouth[..., 0]).mean())


def test_it_shows_what_it_says(library, two_seconds, tmp_path):
    registry = fakes.registry(
        fakes.spec("preparer", factory=f"{__name__}:Preparer", prepare=PrepareSpec(scope="track"))
    )
    output = tmp_path / "out.mp4"
    report = run(
        RunRequest.of(
            written(library),
            two_seconds,
            output,
            generators=("preparer",),
            silence="generate",
        ),
        registry=registry,
    )
    made = pictures(output)
    assert [number_of(frame) for frame in made] == SHOWN
    assert [green(frame) > 20 for frame in made] == SPEAKS
    assert report["chain"]["used"] == {"preparer": 35, "passthrough": 15}
    assert report["inputs"]["target"]["kind"] == "clips"
    assert report["inputs"]["target"]["frames"] == 50
    assert report["faces"]["passthrough"] == [{"first": 20, "last": 34, "why": "silence clip"}]
    assert [(s["first"], s["last"]) for s in report["chain"]["shots"]] == [
        (0, 19), (20, 34), (35, 49)
    ]  # fmt: skip
    assert report["output"]["seconds"] == pytest.approx(2.0)


@pytest.mark.parametrize(("seconds", "shown"), [(1.2, SHOWN[:30]), (2.4, [*SHOWN, *[14] * 10])])
def test_it_is_fitted_to_the_voice(library, tmp_path, seconds, shown):
    voice = speech(tmp_path / "voice.wav", seconds)
    output = tmp_path / "out.mp4"
    report = run(RunRequest.of(written(library), voice, output))
    assert [number_of(frame) for frame in pictures(output)] == shown
    assert report["output"]["sound_seconds"] == pytest.approx(seconds, abs=0.03)


def test_another_clip_is_another_run(library, two_seconds, tmp_path):
    def digest(edits):
        request = RunRequest.of(written(library, edits), two_seconds, tmp_path / "o.mp4")
        return run(request)["inputs"]["target"]["digest"]

    one = digest(EDITS)
    assert one == digest(EDITS)
    assert one != digest([EDITS[0] | {"first": 5}, *EDITS[1:]])


@pytest.mark.parametrize(
    ("edits", "changes", "told"),
    [
        (EDITS, {"format": "other"}, "is not an edit list"),
        (EDITS, {"version": 2}, "has version 2"),
        (EDITS, {"frame_rate": "0"}, "frame_rate is '0'"),
        (EDITS, {"width": 33, "height": 40}, "33x40 pixels cannot be made"),
        (EDITS, {"width": 32}, "its size is 32 x None"),
        (EDITS, {"width": True, "height": 40}, "its size is True x 40"),
        (EDITS, {"conform": "stretch"}, "conform='stretch' is not pad or crop"),
        ([], {}, "it has no edits"),
        ([{"kind": "talk"}], {}, "edit 1 names no clip"),
        ([edit(TALK, "speech", 0, 5)], {}, "edit 1 is of kind 'speech'"),
        ([*EDITS, edit(TALK, "talk", 0, 0)], {}, "edit 4 has frames 0"),
        ([edit(TALK, "talk", True, 5)], {}, "edit 1 has first True"),
        ([edit(TALK, "talk", 0, 5, hold=-1)], {}, "edit 1 has hold -1"),
        ([edit(TALK, "talk", 20, 20)], {}, "wants frames 20 to 39 of"),
        ([edit("none.mp4", "talk", 0, 5)], {}, "none.mp4"),
        ([edit(TALK, "talk", 0, 61)], {"frame_rate": "50"}, "which has 60."),
    ],
)
def test_what_is_wrong_with_it_is_said(
    library, two_seconds, tmp_path, edits, changes, told, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnsupportedInput, match=told) as error:
        run(
            RunRequest.of(
                written(library, edits, "wrong.json", **changes), two_seconds, tmp_path / "out.mp4"
            )
        )
    assert error.value.hint
    assert list(tmp_path.iterdir()) == []


def test_clips_of_another_form_follow_the_first_one(library, two_seconds, tmp_path):
    """A clip of half the size and twice the rate, between two of the list's own form."""
    face_video(
        library / "fast.mp4", fps=50,
        images=[cv2.resize(face_frame(n), (144, 168)) for n in range(40)],
    )  # fmt: skip
    edits = [edit(TALK, "talk", 0, 10), edit("fast.mp4", "talk", 2, 18), edit(TALK, "talk", 10, 20)]
    request = RunRequest.of(written(library, edits, "mixed.json"), two_seconds, tmp_path / "o.mp4")
    report = run(request)
    made = pictures(tmp_path / "o.mp4")
    assert made[0].shape == (336, 288, 3)
    shown = [*range(10), *range(4, 40, 2), *range(10, 30), 29, 29]
    assert [number_of(frame) for frame in made] == shown
    assert report["faces"]["frames_with_new_mouth"] == 50, "faces are found in what is shown"
    assert [note for note in report["notes"] if "fast.mp4 is 144x168 at 50" in note]


@pytest.mark.parametrize(("filling", "bars"), [("pad", True), ("crop", False)])
def test_a_list_says_which_form_it_has(library, two_seconds, tmp_path, filling, bars):
    form = {"width": 384, "height": 336, "conform": filling, "frame_rate": "50"}
    edits = [edit(TALK, "talk", 0, 60), edit(QUIET, "silence", 0, 24)]
    path = written(library, edits, "form.json", **form)
    report = run(RunRequest.of(path, two_seconds, tmp_path / "o.mp4"))
    made = pictures(tmp_path / "o.mp4")
    assert len(made) == 100 and made[0].shape == (336, 384, 3)
    assert all((frame[:, :40].max() < 40) == bars for frame in made)
    assert report["inputs"]["target"]["frame_rate"] == "50"


def test_fields_of_clips_cannot_be_kept(library, two_seconds, tmp_path):
    request = RunRequest.of(written(library), two_seconds, tmp_path / "o.mp4", interlaced="keep")
    with pytest.raises(UsageError, match="always deinterlaced"):
        run(request)


def test_text_and_file_are_one(library):
    edits = read_edits(written(library))
    assert edits.frames == 50
    (library / "again.json").write_text(edits.text(library), "utf-8")
    assert read_edits(library / "again.json") == edits
    elsewhere = json.loads(edits.text(library / "a" / "b"))
    assert elsewhere["edits"][0]["clip"] == "../../talk.mp4"


def test_fitting_is_exact(library):
    clip = library / TALK
    edits = EditList(
        frame_rate=Fraction(25),
        edits=(
            Edit(clip=clip, kind="talk", first=0, frames=5, hold=2),
            Edit(clip=clip, kind="talk", first=9, frames=3),
        ),
    )
    for frames in range(1, 20):
        fitted = edits.fitted(frames)
        assert fitted.frames == frames
        assert all(e.frames >= 1 for e in fitted.edits)
    assert edits.fitted(6).edits == (Edit(clip=clip, kind="talk", first=0, frames=5, hold=1),)
    assert edits.fitted(12).edits[-1].hold == 2
