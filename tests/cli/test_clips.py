"""`lipsync clips` as a person meets it: build, edit, render, correct the list, render again."""

from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest
from commandline import lipsync
from facefactory import face_frame, face_video, speech
from mediafactory import number_of

from lipsync_core.media.reader import VideoReader
from lipsync_core.media.still import read_still


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A library of two clips, indexed, and a voice with a pause of two seconds in it."""
    folder = tmp_path_factory.mktemp("clips")
    (folder / "lib" / "talk").mkdir(parents=True)
    (folder / "lib" / "silence").mkdir()
    face_video(folder / "lib" / "talk" / "anna talks.mp4", 40)
    face_video(folder / "lib" / "silence" / "anna.mp4", 30)
    import soundfile

    samples, rate = soundfile.read(speech(folder / "words.wav", 2.0))
    pause = np.zeros(2 * rate)
    soundfile.write(folder / "voice.wav", np.concatenate([samples, pause, samples]), rate)
    return folder


@pytest.fixture
def folder(built, tmp_path):
    """A copy of its own."""
    return shutil.copytree(built, tmp_path / "a folder")


def test_build_edit_render_and_again(folder):
    done = lipsync("clips", "build", "lib", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "1 talk, 1 silence, 2 measured now" in done.stdout
    done = lipsync("clips", "edit", "lib", "--audio", "voice.wav", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["frames"] == 150 and told["clip_count"] == 2
    assert 1.0 < told["seconds_of_silence"] < 2.0
    assert (folder / told["edl"]).read_text().startswith("TITLE: voice")
    assert read_still(folder / told["plot"]).shape[1] > 1000
    path = folder / told["edits"]
    assert path.name == "voice.edits.json"
    content = json.loads(path.read_text())
    assert {e["kind"] for e in content["edits"]} == {"talk", "silence"}
    content["edits"] = [content["edits"][0] | {"first": 7, "frames": 20}]
    path.write_text(json.dumps(content))
    mine = path.read_text()
    words = ("--edits", path.name, "--audio", "voice.wav", "-o", "again.mp4", "--json")
    done = lipsync("clips", "render", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["clips"]["edit_count"] == 1 and report["clips"]["edits"] == path.name
    assert path.read_text() == mine, "a list that somebody wrote stays as it is"
    with VideoReader(folder / "again.mp4") as reader:
        numbers = [number_of(picture.rgb()) for picture in reader.frames()]
    assert numbers == [*range(7, 27), *[26] * 130]
    assert (folder / "again.edl").exists() and (folder / "again.edits.png").exists()


def test_an_edit_list_is_written_and_told(folder):
    (folder / "lib" / "talk" / "broken.mp4").write_bytes(b"no video")
    told = json.loads(lipsync("clips", "build", "lib", "--json", cwd=folder).stdout)
    assert told["measured"] >= 2
    again = lipsync("clips", "build", "lib", cwd=folder)
    assert "0 measured now" in again.stdout and "not used: talk/broken.mp4" in again.stderr
    assert lipsync("clips", "build", "lib", "-q", cwd=folder).stdout == ""
    done = lipsync("clips", "edit", "lib", "-v", "voice.wav", "-o", "x.json", cwd=folder)
    assert done.returncode == 0 and "edits of 2 clips for 6.00 s" in done.stderr
    assert (folder / "x.json").exists() and "x.json" in done.stderr
    before = (folder / "x.json").read_text()
    quiet = lipsync(
        "clips", "edit", "lib", "--voice", "voice.wav", "-o", "x.json", "-q", cwd=folder
    )
    assert quiet.stderr == "" and (folder / "x.json").read_text() == before
    lost = lipsync("clips", "edit", "lib", "--audio", "voice.wav", "-o", "no/x.json", cwd=folder)
    assert lost.returncode == 6 and "mkdir -p no" in lost.stderr


def test_a_video_from_a_voice(folder):
    assert lipsync("clips", "build", "lib", cwd=folder).returncode == 0
    words = ("lib", "--audio", "voice.wav", "-o", "talk.mp4", "--isolate", "viseme")
    done = lipsync("clips", "render", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "edits of 2 clips for 6.00 s" in done.stderr
    report = json.loads((folder / "talk.mp4.report.json").read_text())
    assert report["output"]["frames"] == 150
    assert set(report["chain"]["used"]) == {"viseme", "passthrough"}
    assert {span["why"] for span in report["faces"]["passthrough"]} == {"silence clip"}
    again = lipsync("run", "talk.edits.json", "voice.wav", "-o", "run.mp4", cwd=folder)
    assert again.returncode == 0, again.stderr
    with VideoReader(folder / "talk.mp4") as one, VideoReader(folder / "run.mp4") as other:
        for a, b in zip(one.frames(), other.frames(), strict=True):
            np.testing.assert_array_equal(a.rgb(), b.rgb())


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("build", "nowhere"), 3, "There is no folder nowhere."),
        (("edit", "lib", "--audio", "voice.wav"), 3, "lib holds no index of clips."),
        (("render", "--audio", "voice.wav"), 2, "LIBRARY is missing."),
        (("render", "lib", "--edits", "x.json", "--audio", "voice.wav"), 2, "names the clips"),
        (("render", "--edits", "x.json", "--audio", "voice.wav"), 3, "x.json cannot be read"),
        (("render", "lib", "--audio", "voice.wav", "-o", "x.avi"), 6, "x.avi has an ending"),
        (("edit", "lib", "--audio", "voice.wav", "-o", "x.txt"), 6, "must end in .json"),
        (("edit", "lib", "--audio", "none.wav"), 3, "lib holds no index"),
        (("edit", "lib", "--audio", "voice.wav", "--min-shot", "-1"), 2, "between 0 and 60"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(folder, words, code, told):
    if "--min-shot" in words:
        assert lipsync("clips", "build", "lib", cwd=folder).returncode == 0
    before = set(folder.rglob("*"))
    done = lipsync("clips", *words, cwd=folder)
    assert done.returncode == code, done.stderr
    assert told in done.stderr and "Traceback" not in done.stderr
    assert set(folder.rglob("*")) == before


def test_clips_of_three_sizes_and_rates_make_one_video(tmp_path):
    """Everything is done here: no other program has to convert anything."""
    library = tmp_path / "lib"
    library.mkdir()
    sizes = {
        "talk a.mp4": (288, 336, 25),
        "talk b.mp4": (216, 252, 30),
        "talk c.mp4": (432, 336, 50),
    }
    for name, (width, height, fps) in sizes.items():
        images = [cv2.resize(face_frame(n), (width, height)) for n in range(fps)]
        face_video(library / name, fps=fps, images=images)
    speech(tmp_path / "voice.wav", 4.0)
    done = lipsync(
        "clips", "build", "lib", "--size", "320x320", "--fps", "30000/1001", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "videos: 320x320 at 29.97 frames a second" in done.stdout
    assert "ffmpeg" not in done.stdout + done.stderr and "most of the others" not in done.stderr
    for name, (width, height, fps) in sizes.items():
        assert f"{name} was recorded with {width}x{height} at {fps} frames a second" in done.stderr
    done = lipsync(
        "clips", "render", "lib", "--audio", "voice.wav", "-o", "o.mp4", "--json", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["output"]["frames"] == 120
    assert report["faces"]["frames_with_new_mouth"] == 120
    assert len([note for note in report["notes"] if "it is scaled to 320x320" in note]) == 3
    with VideoReader(tmp_path / "o.mp4") as reader:
        video = reader.target.video
        assert (video.width, video.height, str(video.frame_rate)) == (320, 320, "30000/1001")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--size", "big"), "--size big is not understood."),
        (("--size", "321x320"), "321x320 pixels cannot be made."),
        (("--fps", "fast"), "--fps fast is not understood."),
        (("--fps", "0"), "0 frames a second are out of range."),
    ],
)
def test_a_form_that_cannot_be_is_refused(folder, words, told):
    done = lipsync("clips", "build", "lib", *words, cwd=folder)
    assert done.returncode == 2 and told in done.stderr
