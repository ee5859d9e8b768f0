"""What was decided about a target that the user may not expect is in the plan, the report and the summary."""

from __future__ import annotations

import json

import av
import numpy as np
import pytest
from commandline import lipsync
from facefactory import face_frame, face_video, speech
from mediafactory import mux_frame

from lipsync_core.media.fields import marked
from lipsync_core.media.probe import probe_target


def encoded(path, codec, pix_fmt, frames, options=None, change=lambda frame: frame, colour=None):
    """The face with transparent edges, in any codec."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25, options=options or {})
        stream.height, stream.width = face_frame(0).shape[:2]
        stream.pix_fmt = pix_fmt
        if colour:
            context = stream.codec_context
            context.color_primaries, context.color_trc, context.colorspace = colour
        for number in range(frames):
            image = np.dstack([face_frame(number), np.full((336, 288), 255, np.uint8)])
            image[300:, :, 3] = 0
            frame = av.VideoFrame.from_ndarray(image, "rgba").reformat(format=pix_fmt)
            frame = change(frame)
            mux_frame(out, stream, frame, number)
        mux_frame(out, stream)
    return path


def few(path):
    return face_video(path.with_suffix(".mp4"), 4, fps=5)


def clear(path):
    return encoded(path.with_suffix(".mkv"), "ffv1", "yuva420p", 10)


def interlaced(path):
    options = {"flags": "+ilme+ildct", "x264-params": "tff=1"}
    return encoded(
        path.with_suffix(".mp4"), "libx264", "yuv420p", 10, options, lambda f: marked(f, "top")
    )


def hdr(path):
    options = {"x265-params": "log-level=none"}
    return encoded(
        path.with_suffix(".mp4"), "libx265", "yuv420p10le", 10, options, colour=(9, 16, 9)
    )


CASES = {
    "few frames": (few, (), "has only 5 frames a second"),
    "transparent": (clear, (), "Transparent parts of"),
    "interlaced": (interlaced, (), "is interlaced; it was deinterlaced"),
    "interlaced, kept": (interlaced, ("--interlaced", "keep"), "is interlaced (top field first)"),
    "HDR": (hdr, (), "The target is HDR (PQ); it is encoded with libx265."),
    "less deep": (hdr, ("--encoder", "mpeg4"), "The encoder mpeg4 takes 8 bits"),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_told_wherever_a_user_looks(case, tmp_path):
    make, words, told = CASES[case]
    target = make(tmp_path / "target")
    speech(tmp_path / "v.wav", 0.4)
    command = ("run", target.name, "v.wav", "-o", "o.mp4", *words)
    plan = lipsync(*command, "--dry-run", cwd=tmp_path)
    assert plan.returncode == 0, plan.stderr
    assert told in plan.stdout
    done = lipsync(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert told in done.stderr
    report = json.loads((tmp_path / "o.mp4.report.json").read_text())
    assert len([note for note in report["notes"] if told in note]) == 1


def test_an_ordinary_target_has_nothing_to_tell(tmp_path, face_clip, voice):
    done = lipsync("run", face_clip, voice, "-o", "o.mp4", "--json", cwd=tmp_path)
    report = json.loads(done.stdout)
    assert report["notes"] == []
    assert report["output"]["carried"] == {"tags": {}, "chapters": 0, "subtitles": []}


@pytest.mark.parametrize("output", ["o.mov", "o.webm"])
def test_a_new_mouth_on_a_transparent_target(output, tmp_path):
    """The transparency of the target is that of the output; the mouth is new all the same."""
    speech(tmp_path / "v.wav", 0.4)
    clear(tmp_path / "target")
    done = lipsync("run", "target.mkv", "v.wav", "-o", output, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["faces"]["frames_with_new_mouth"] == 10
    assert not [note for note in report["notes"] if "Transparent" in note]
    assert probe_target(tmp_path / output).has_alpha


@pytest.mark.parametrize("turn", [0, 90])
def test_a_mirrored_target_gets_its_mouth_where_its_face_is(turn, tmp_path):
    face_video(tmp_path / "t.mp4", 10, rotation=turn, mirrored=True)
    speech(tmp_path / "v.wav", 0.4)
    done = lipsync("run", "t.mp4", "v.wav", "-o", "o.mp4", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["faces"]["frames_with_new_mouth"] == 10
    assert (report["inputs"]["target"]["width"], report["inputs"]["target"]["height"]) == (288, 336)
