"""Whole evaluations of a video that this project made, and of the same with known faults."""

from __future__ import annotations

import json
from fractions import Fraction

import av
import numpy as np
import pytest
from facefactory import face_frame, face_video
from fakes import LICENCE
from mediafactory import make_sound, make_video

from lipsync_core.contracts import Scorer, ScoreStream, Unavailable
from lipsync_core.errors import PluginUnavailable, UnsupportedInput, UsageError
from lipsync_core.evaluation.evaluate import evaluate
from lipsync_core.evaluation.figures import plain, rows
from lipsync_core.evaluation.request import EvalRequest
from lipsync_core.media.reader import VideoReader
from lipsync_core.records import Scores
from lipsync_core.registry import PluginRow, Registry, load_rows
from lipsync_core.specs import BoxCrop, Margins, Measure, ScorerSpec


def judged(video, registry=None, **choices):
    told = evaluate(EvalRequest(video=video, **choices), registry=registry)
    json.dumps(plain(told))  # data for programs
    return told


def lips(told):
    return told["scorers"]["lips"]["figures"]


@pytest.fixture(scope="module")
def plainly(talk):
    return judged(talk)


def test_a_synced_video_is_found_in_sync(plainly):
    found = lips(plainly)
    assert abs(found["offset_ms"]) < 45, "within about a frame"
    assert found["correlation"] > 0.7
    assert found["closures_heard"] >= 3 and found["closures_seen"] > 0.8
    assert plainly["faces"]["hit_rate"] == 1.0
    assert plainly["timing"]["frames"] == 150
    assert abs(plainly["timing"]["sound_longer_by"]) < 0.04
    assert plainly["not_scored"].keys() <= {"wav2lip", "syncnet", "stable-syncnet"}


@pytest.mark.parametrize("late", [-0.24, 0.1, 0.3])
def test_a_known_shift_of_the_sound_is_found(talk, plainly, shifted, late):
    found = lips(judged(talk, audio=shifted(late)))
    change = found["offset_ms"] - lips(plainly)["offset_ms"]
    assert change == pytest.approx(1000 * late, abs=12)
    assert found["correlation_at_0"] < lips(plainly)["correlation_at_0"] - 0.1


def test_sound_that_begins_later_in_the_file_counts(talk, plainly, tmp_path):
    """The same packets, with the sound's times moved by 0.2 s."""
    moved = tmp_path / "moved.mkv"
    with av.open(str(talk)) as source, av.open(str(moved), "w") as out:
        streams = {s.index: out.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is None:
                continue
            if packet.stream.type == "audio":
                later = int(Fraction(1, 5) / packet.time_base)
                packet.pts, packet.dts = packet.pts + later, packet.dts + later
            packet.stream = streams[packet.stream.index]
            out.mux(packet)
    told = judged(moved)
    priming = 1024 / 16000  # of the AAC encoder: Matroska is not told to skip it
    assert told["timing"]["sound_starts_after"] == pytest.approx(0.2 - priming, abs=0.005)
    change = lips(told)["offset_ms"] - lips(plainly)["offset_ms"]
    assert change == pytest.approx(200, abs=12)


def test_a_mouth_that_holds_still_agrees_with_nothing(silent_clip, talk_voice, plainly):
    found = lips(judged(silent_clip, audio=talk_voice))
    assert found["correlation"] < 0.4 < lips(plainly)["correlation"]


def test_silence_has_no_shift(talk, tmp_path):
    quiet = make_sound(tmp_path / "quiet.wav", samples=np.zeros((1, 96000), np.float32))
    found = lips(judged(talk, audio=quiet))
    assert found["closures_heard"] == 0 and "closures_seen" not in found
    assert found["correlation_at_0"] < 0.5


def test_against_the_clip_it_was_made_from(talk, silent_clip):
    told = judged(talk, reference=silent_clip)["against_reference"]
    assert told["frames"] == 150
    assert told["psnr_outside"] > told["psnr_mouth"] + 6, "only the mouth is new"
    assert told["ssim_outside"] > 0.95 > told["ssim_mouth"]
    assert told["landmark_distance"] > 1.0


def test_against_itself_nothing_differs(talk):
    told = judged(talk, reference=talk)["against_reference"]
    assert told["psnr_mouth"] == told["psnr_outside"] == 100.0
    assert told["landmark_distance"] == 0.0
    assert told["mouth_correlation"] == pytest.approx(1) == told["width_correlation"]
    assert told["mouth_spread"] == told["mouth_movement"] == 1.0
    assert told["mouth_lag_ms"] == pytest.approx(0, abs=1)
    assert told["opening_p95"] == told["reference_p95"] > 0.05


def test_a_shaking_mouth_flickers(tmp_path, talk_voice):
    steady = [face_frame(0) for _ in range(40)]
    shaking = [image.copy() for image in steady]
    for image in shaking[::2]:
        image[190:226, 112:176] = np.clip(image[190:226, 112:176].astype(int) + 12, 0, 255)
    a, b = (
        judged(face_video(tmp_path / f"{n}.mp4", images=images), audio=talk_voice)["flicker"]
        for n, images in enumerate((steady, shaking))
    )
    assert b["flicker_mouth"] > a["flicker_mouth"] + 0.5
    assert b["flicker_ratio"] > 2 * a["flicker_ratio"]


def test_known_phones(talk, tmp_path):
    """What the network hears is on the plot; what a file says is looked up in the landmarks."""
    opening = judged(talk)["curves"]["lips"][0].curves["mouth"]
    closed, wide = int(np.argmin(opening[10:])) + 10, int(np.argmax(opening))
    file = tmp_path / "phones.ctm"
    file.write_text(f"u 1 {closed / 25:.2f} 0.04 M\nu 1 {wide / 25:.2f} 0.04 P\nu 1 1.0 0.1 AA1\n")
    told = judged(talk, phones=file)["phones"]
    assert told == {"bilabials": 2.0, "closed": 0.5}


def test_frames_without_a_face_split_the_spans(tmp_path, talk, talk_voice):
    with VideoReader(talk) as reader:
        images = [picture.rgb() for picture in reader.frames()]
    images[70:80] = [np.full_like(images[0], 90)] * 10
    told = judged(face_video(tmp_path / "gap.mp4", images=images), audio=talk_voice)
    assert told["faces"]["hit_rate"] == pytest.approx(140 / 150, abs=0.02)
    found = told["scorers"]["lips"]
    assert len(found["spans"]) == 2
    assert found["figures"]["correlation"] > 0.6


class Noting(Scorer):
    """Says what it was given."""

    def open(self, context):
        pass

    def stream(self):
        return NotingStream()


class NotingStream(ScoreStream):
    def __init__(self):
        self.crops = self.samples = 0

    def push(self, crops, samples):
        assert crops.images.shape[1:] == (64, 64, 3)
        self.crops, self.samples = self.crops + len(crops), self.samples + len(samples)

    def finish(self):
        return Scores(figures={"crops": float(self.crops), "samples": float(self.samples)})


class Falling(Noting):
    def stream(self):
        class Broken(NotingStream):
            def push(self, crops, samples):
                raise ValueError("axes do not match")

        return Broken()


class Lacking(Noting):
    """Never opened: its probe says no."""


def lacking(context):
    return Unavailable(reason="its weights are missing", hint="Import them.")


def with_scorers(**kinds) -> Registry:
    own = [row for row in load_rows({}) if row.name == "builtin"]
    measures = tuple(
        Measure(key=key, better="count", help="how many") for key in ("crops", "samples")
    )
    specs = tuple(
        ScorerSpec(
            name=name,
            factory=f"{__name__}:{kind.__name__}",
            probe=f"{__name__}:lacking" if kind is Lacking else None,
            summary="for tests",
            licence=LICENCE,
            crop=BoxCrop(size=(64, 64), margins=Margins(), scheme="68"),
            measures=measures,
            frame_rate=rate,
            least=1,
        )
        for name, (kind, rate) in kinds.items()
    )
    return Registry([*own, PluginRow(name="noting", specs=specs)])


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001), Fraction(50), Fraction(10)])
def test_scorers_get_crops_at_their_own_rate(tmp_path, talk_voice, fps):
    count = int(2 * fps)
    clip = face_video(tmp_path / "c.mp4", count, fps)
    registry = with_scorers(slow=(Noting, 25), fast=(Noting, 60))
    scored = judged(clip, registry, audio=talk_voice)["scorers"]
    for name, rate in (("slow", 25), ("fast", 60)):
        found = scored[name]["figures"]
        assert found["crops"] == pytest.approx(
            float(count / fps * rate), abs=max(1.0, rate / float(fps))
        )
        assert found["samples"] == int(found["crops"] * 16000 / rate)


def test_a_broken_scorer_costs_only_itself(face_clip, voice):
    registry = with_scorers(good=(Noting, 25), bad=(Falling, 25), absent=(Lacking, 25))
    told = judged(face_clip, registry, audio=voice)
    assert told["scorers"]["good"]["figures"]["crops"] == 30
    assert "axes do not match" in told["not_scored"]["bad"]["reason"]
    assert told["not_scored"]["absent"] == {
        "reason": "its weights are missing",
        "hint": "Import them.",
    }
    assert {name for name, *_ in rows(told)} >= {"good", "flicker", "faces", "timing"}


def test_a_scorer_asked_for_by_name_must_run(face_clip, voice):
    registry = with_scorers(good=(Noting, 25), absent=(Lacking, 25))
    told = judged(face_clip, registry, audio=voice, scorers=("good",))
    assert list(told["scorers"]) == ["good"]
    with pytest.raises(PluginUnavailable, match="'absent' cannot run here: its weights"):
        judged(face_clip, registry, audio=voice, scorers=("absent",))
    with pytest.raises(UsageError, match="scorer"):
        judged(face_clip, registry, audio=voice, scorers=("nobody",))


def test_what_cannot_be_judged_is_told(tmp_path, face_clip, voice, talk):
    with pytest.raises(UnsupportedInput, match="has no sound"):
        judged(face_clip)
    with pytest.raises(UnsupportedInput, match="shows 160x120"):
        judged(talk, reference=make_video(tmp_path / "other.mp4", size=(160, 120)))
    with pytest.raises(UnsupportedInput, match="face"):
        judged(make_video(tmp_path / "noface.mp4"), audio=voice)
    with pytest.raises(UnsupportedInput, match=r"no\.mp4"):
        judged(tmp_path / "no.mp4")
