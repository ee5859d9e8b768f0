"""Whole runs with the embedded default: frames, time, sound, faces, caching, atomic output."""

from __future__ import annotations

import json
import os
from fractions import Fraction

import numpy as np
import pytest
from facefactory import HEIGHT, STRIP, WIDTH, face_frame, face_video, speech, write_picture
from mediafactory import make_sound

from lipsync_core.engine.plan import plan
from lipsync_core.engine.record.report import report_path
from lipsync_core.errors import OutputError, UnsupportedInput, UsageError
from lipsync_core.media.probe import probe_sound, probe_target
from lipsync_core.requests import EncoderChoice, RunRequest
from lipsync_core.running.progress import Progress

RATES = [
    Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(50),
    Fraction(60000, 1001),
]  # fmt: skip


def in_time(output, frames=None):
    """|audio - video| of the finished file is under a frame, and it holds `frames` frames."""
    info, sound = probe_target(output), probe_sound(output)
    assert abs(info.duration - sound.duration) < 1 / info.video.frame_rate + Fraction(1, 1000)
    if frames is not None:
        assert info.frames == frames


@pytest.mark.parametrize("rate", RATES, ids=lambda r: f"{float(r):.3f}")
def test_every_frame_comes_out_in_time_at_every_rate(tmp_path, job, rate):
    face = face_video(tmp_path / "in.mp4", 20, rate)
    sound = speech(tmp_path / "voice.wav", float(20 / rate))
    done = job(face, sound)
    assert done.numbers() == list(range(20))
    assert probe_target(done.output).video.frame_rate == rate
    in_time(done.output, 20)


def test_variable_rate_keeps_every_time(tmp_path, job):
    ticks = [0, 40, 80, 160, 180, 260, 300, 340, 400, 440, 520, 560]
    face = face_video(tmp_path / "in.mp4", ticks=ticks, images=[face_frame(n) for n in range(12)])
    done = job(face, speech(tmp_path / "v.wav", 0.5))
    assert done.numbers() == list(range(12))
    index = probe_target(done.output).index
    assert [round(index.info(n).time * 1000) for n in range(12)] == ticks
    in_time(done.output)


def test_the_mouth_moves_and_nothing_else_does(face_clip, voice, job):
    from lipsync_core.media.reader import VideoReader

    done = job(face_clip, voice, silence="generate", encoding=EncoderChoice(crf=1))
    with VideoReader(face_clip) as reader:
        before = [picture.rgb().astype(int) for picture in reader.frames()]
    changed = [np.abs(a - b).max(axis=2) for a, b in zip(before, done.frames(), strict=True)]
    mouth = np.mean([c[STRIP + 135 : STRIP + 165, 120:170].mean() for c in changed])
    assert mouth > 6
    far = [c[STRIP:, 230:].max() for c in changed]
    assert max(far) <= 12, "only what the encoder does"


@pytest.mark.parametrize(
    ("fit", "expected"),
    [
        ("bounce", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1]),
        ("loop", [*range(10), *range(10)]),
        ("hold", [*range(10), *([9] * 10)]),
        ("cut", [*range(10)]),
    ],
)
def test_a_longer_voice(tmp_path, job, fit, expected):
    face = face_video(tmp_path / "in.mp4", 10)
    done = job(face, speech(tmp_path / "v.wav", 0.8), fit=fit)
    assert done.numbers() == expected
    in_time(done.output)


def test_a_shorter_voice_leaves_no_frame_out(face_clip, tmp_path, job):
    done = job(face_clip, speech(tmp_path / "v.wav", 0.2))
    assert done.numbers() == list(range(30))
    in_time(done.output, 30)


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("v.mp3", {}),
        ("v.flac", {}),
        ("v.m4a", {}),
        ("v.ogg", {"rate": 48000}),
        ("v.wav", {"rate": 8000}),
        ("v.wav", {"rate": 44100, "channels": 2}),
        ("v.wav", {"codec": "pcm_f32le"}),
    ],
    ids=lambda v: str(v),
)
def test_any_voice_format(face_clip, tmp_path, job, name, choices):
    voice = speech(tmp_path / name, 1.2, **choices)
    done = job(face_clip, voice)
    in_time(done.output, 30)
    kept = probe_sound(done.output)
    given = probe_sound(voice)
    assert (kept.sample_rate, kept.channels) == (given.sample_rate, given.channels)


@pytest.mark.parametrize("seconds", [0.0, 0.2, 1.2])
def test_a_silent_voice_is_a_mouth_at_rest(face_clip, tmp_path, job, seconds):
    samples = np.zeros((1, round(16000 * seconds)), np.float32)
    quiet = make_sound(tmp_path / "quiet.wav", samples=samples)
    done = job(face_clip, quiet)
    assert done.numbers() == list(range(30))
    assert done.report["speech"]["share"] == 0.0


def test_frames_without_a_face_pass_through(tmp_path, job, voice):
    gone = set(range(10, 16))
    face = face_video(tmp_path / "in.mp4", 30, without=gone)
    done = job(face, voice)
    assert done.numbers() == list(range(30))
    spans = done.report["faces"]["passthrough"]
    assert spans and all(span["why"] == "no face" for span in spans)
    out = {n for span in spans for n in range(span["first"], span["last"] + 1)}
    assert gone - {10} <= out <= gone | {9, 16}


def test_a_cut_ends_the_track(tmp_path, job, voice):
    images = [face_frame(n) for n in range(15)]
    images += [np.ascontiguousarray(face_frame(n)[:, ::-1]) // 2 + 60 for n in range(15, 30)]
    images[15:] = [
        np.vstack([face_frame(n)[:STRIP], i[STRIP:]]) for n, i in enumerate(images[15:], 15)
    ]
    done = job(face_video(tmp_path / "in.mp4", images=images), voice)
    assert done.numbers() == list(range(30))
    assert [(s["first"], s["last"]) for s in done.report["chain"]["shots"]] == [(0, 14), (15, 29)]
    assert done.report["faces"]["tracks"] == 2


def test_only_the_chosen_face_speaks(tmp_path, job, voice):
    face = face_video(tmp_path / "two.mp4", 20, second=True)
    done = job(face, voice, face=f"point:{WIDTH + 143},{STRIP + 130}", silence="generate")
    before = face_frame(5, second=True).astype(int)
    after = done.frames()[5].astype(int)
    left = np.abs(after - before)[STRIP + 135 : STRIP + 165, 120:170].mean()
    right = np.abs(after - before)[STRIP + 135 : STRIP + 165, WIDTH + 118 : WIDTH + 168].mean()
    assert right > 3 * left
    with pytest.raises(UsageError, match="id 7"):
        job(face, voice, face="id:7")


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation_is_baked_in(tmp_path, job, rotation, voice):
    face = face_video(tmp_path / "in.mp4", 12, rotation=rotation)
    done = job(face, voice, fit="cut")
    assert done.numbers() == list(range(12))
    video = probe_target(done.output).video
    assert (video.width, video.height, video.rotation) == (WIDTH, HEIGHT, 0)


def test_ten_bit_stays_ten_bit(tmp_path, job, voice):
    done = job(face_video(tmp_path / "in.mp4", 12, pix_fmt="yuv420p10le"), voice, fit="cut")
    assert probe_target(done.output).video.bit_depth == 10
    assert done.numbers() == list(range(12))


@pytest.mark.parametrize("name", ["p.png", "p.jpg"])
def test_a_picture_speaks_for_as_long_as_the_voice(tmp_path, job, voice, name):
    picture = write_picture(tmp_path / name, face_frame(3))
    done = job(picture, voice, fps=30)
    in_time(done.output, 36)
    frames = done.frames()
    still = job(picture, voice, name="still.mp4", fps=30, idle=False).frames()
    hair = (slice(STRIP + 20, STRIP + 60), slice(100, 190))
    swayed = np.abs(frames[30][hair].astype(int) - frames[0][hair]).mean()
    stood = np.abs(still[30][hair].astype(int) - still[0][hair]).mean()
    assert swayed > 3 * stood


def test_the_second_run_detects_nothing(face_clip, voice, job, tmp_path):
    class Stages(Progress):
        def __init__(self):
            self.names = []

        def stage(self, name, total):
            self.names.append(name)

    job(face_clip, voice)
    second = Stages()
    report = job(face_clip, speech(tmp_path / "other.wav", 0.5), progress=second).report
    assert report["faces"]["from_cache"]
    assert "finding faces" not in second.names and "detect" not in report["stages"]


def test_old_analyses_are_forgotten_and_others_kept(tmp_path, voice, job, monkeypatch):
    monkeypatch.setenv("LIPSYNC_CACHE", str(tmp_path / "cache"))
    job(face_video(tmp_path / "a.mp4", 5), voice, fit="cut")
    (first,) = (tmp_path / "cache" / "faces").iterdir()
    job(face_video(tmp_path / "b.mp4", 6), voice, fit="cut")
    assert first.exists()
    os.utime(first, (0, 0))
    job(face_video(tmp_path / "c.mp4", 7), voice, fit="cut")
    assert not first.exists() and len(list((tmp_path / "cache" / "faces").iterdir())) == 2


def test_the_report_tells_the_run(face_clip, voice, job):
    done = job(face_clip, voice)
    written = json.loads(report_path(done.output).read_text())
    assert written == done.report
    assert written["chain"]["used"] == {"viseme": 30}
    assert not written["chain"]["default_had_to_serve"]
    assert written["output"]["frames"] == 30
    assert set(written["stages"]) >= {"decode", "generate", "encode", "assemble"}


def test_bad_requests_cost_nothing(face_clip, voice, job, tmp_path):
    output = tmp_path / "out.mp4"
    output.write_bytes(b"a good earlier result")
    faceless = write_picture(tmp_path / "grey.png", np.full((200, 200, 3), 128, np.uint8))
    for error, face, choices in (
        (UnsupportedInput, faceless, {}),
        (UnsupportedInput, tmp_path / "missing.mp4", {}),
        (UsageError, face_clip, {"face": "tallest"}),
        (UsageError, face_clip, {"options": {"viseme": {"nonsense": "1"}}}),
        (OutputError, face_clip, {"encoding": EncoderChoice(encoder="nonsense")}),
        (OutputError, face_clip, {"overwrite": False}),
        (OutputError, face_clip, {"name": "no/such/folder/out.mp4"}),
        (OutputError, face_clip, {"name": "out.avi"}),
    ):
        with pytest.raises(error):
            job(face, voice, **choices)
        assert output.read_bytes() == b"a good earlier result"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["grey.png", "out.mp4"]


def test_a_plan_writes_nothing(face_clip, voice, tmp_path):
    request = RunRequest.of(face_clip, voice, tmp_path / "o.mp4", segment_seconds=1)
    told = plan(request).as_dict()
    assert told["frames"] == 30 and told["segments"] == 2
    assert told["chain"] == [
        {"generator": "viseme", "device": "cpu", "asked": True, "isolated": False}
    ]
    assert list(tmp_path.iterdir()) == []


def test_no_provenance_is_recorded(face_clip, voice, job):
    from lipsync_core.media.provenance import is_marked

    assert is_marked(job(face_clip, voice).output)
    bare = job(face_clip, voice, name="bare.mp4", provenance=False)
    assert not is_marked(bare.output)
    assert bare.report["provenance"] == {"marked": False}
    assert bare.report["ai_edited"]
