"""The chain: every way a generator can fail ends with a whole video and a report that tells the story."""

from __future__ import annotations

import json
from dataclasses import replace

import fakes
import numpy as np
import pytest
from facefactory import STRIP

from lipsync_core.engine.chain import resolve as chain
from lipsync_core.engine.chain.failures import StageFailure, checked, guarded
from lipsync_core.errors import GenerationFailed, OutOfMemory, PluginUnavailable, UsageError
from lipsync_core.registry import PluginRow, Registry
from lipsync_core.specs import AlignedCrop, ChunkSpec, Licence, Requirement, WeightFile


def green(frame):
    """How green the mouth is: the painters' mark."""
    mouth = frame[STRIP + 130 : STRIP + 165, 115:175].astype(int)
    return float((mouth[..., 1] - mouth[..., 0]).mean())


@pytest.mark.parametrize(
    ("kind", "phase", "told"),
    [
        (fakes.RaisesAtOpen, "open", "cannot load weights"),
        (fakes.UnavailableAtOpen, "open", "another variant"),
        (fakes.RaisesAtThird, "generate", "index 16 is out of bounds"),
        (fakes.Black, "check", "black"),
        (fakes.NotANumber, "check", "NaN"),
        (fakes.TooFew, "check", "shape"),
        (fakes.WrongSize, "check", "shape"),
        (fakes.Nothing, "check", "NoneType"),
        (fakes.OutOfMemoryAlways, "generate", "out of memory"),
    ],
    ids=lambda v: getattr(v, "__name__", None),
)
def test_a_failure_moves_on_for_the_whole_shot(face_clip, voice, job, kind, phase, told):
    registry = fakes.registry(fakes.spec("faulty", kind), fakes.spec("painter"))
    done = job(
        face_clip, voice, registry=registry, generators=("faulty", "painter"), silence="generate"
    )
    assert done.numbers() == list(range(30))
    assert done.report["chain"]["used"] == {"painter": 30}
    (attempt,) = done.report["chain"]["attempts"]
    assert (attempt["generator"], attempt["phase"], attempt["shot"]) == ("faulty", phase, 0)
    assert told in attempt["reason"]
    assert min(green(frame) for frame in done.frames()) > 20, "one generator for the whole shot"


def test_the_embedded_default_is_the_last_link(face_clip, voice, job):
    done = job(
        face_clip,
        voice,
        registry=fakes.registry(fakes.spec("faulty", fakes.Black)),
        generators=("faulty",),
    )
    assert done.report["chain"]["used"] == {"viseme": 30}
    assert done.report["chain"]["default_had_to_serve"]


def test_strict_leaves_the_default_out(face_clip, voice, job, tmp_path):
    registry = fakes.registry(fakes.spec("faulty", fakes.Black))
    with pytest.raises(GenerationFailed, match=r"faulty \(check\): it gave black pictures"):
        job(face_clip, voice, registry=registry, generators=("faulty",), strict=True)
    assert list(tmp_path.iterdir()) == []


def test_out_of_memory_gets_one_smaller_try(face_clip, voice, job):
    registry = fakes.registry(fakes.spec("big", fakes.OutOfMemoryOnce))
    report = job(face_clip, voice, registry=registry, generators=("big",)).report
    assert report["chain"]["used"] == {"big": 30}
    assert report["chain"]["attempts"] == []


def test_a_users_mistake_never_moves_on(face_clip, voice, job):
    registry = fakes.registry(fakes.spec("picky", fakes.UsersMistake))
    with pytest.raises(UsageError, match="size=7"):
        job(face_clip, voice, registry=registry, generators=("picky",))
    with pytest.raises(UsageError, match="no generator called 'pikcy'"):
        job(face_clip, voice, registry=registry, generators=("pikcy",))


def test_what_cannot_run_says_what_it_lacks_and_how_to_get_it(face_clip, voice, job):
    lacking = replace(
        fakes.spec("lacking"), requires=(Requirement(module="no_such", distribution="no-such"),)
    )
    weightless = replace(
        fakes.spec("weightless"), weights=(WeightFile(path="net.pth", repository="them/net"),)
    )
    gpu = replace(fakes.spec("gpu"), devices=("cuda",))
    research = replace(
        fakes.spec("research"),
        licence=Licence(code="MIT", weights="research only", commercial=False),
    )
    registry = fakes.registry(lacking, weightless, gpu, research)
    names = ("lacking", "weightless", "gpu", "research", "latentsync")
    report = job(
        face_clip, voice, registry=registry, generators=names, commercial_only=False
    ).report
    assert report["chain"]["used"] == {"research": 30}
    told = {a["generator"]: a["reason"] + " / " + a["hint"] for a in report["chain"]["attempts"]}
    assert "no-such" in told["lacking"] and "pip install" in told["lacking"]
    assert "net.pth" in told["weightless"]
    assert "lipsync weights pull weightless" in told["weightless"]
    assert "cuda" in told["gpu"]
    assert "pip install lipsync-latentsync" in told["latentsync"]
    only = job(face_clip, voice, registry=registry, generators=("research",), commercial_only=True)
    assert only.report["chain"]["used"] == {"viseme": 30}
    with pytest.raises(PluginUnavailable, match="None of the generators"):
        job(face_clip, voice, registry=registry, generators=("lacking", "gpu"), strict=True)


def test_a_broken_plugin_is_a_reason_to_move_on(face_clip, voice, job):
    rows = [*fakes.registry().rows, PluginRow(name="rusty", status="broken", reason="it rusts")]
    report = job(face_clip, voice, registry=Registry(rows), generators=("rusty",)).report
    assert "it rusts" in report["chain"]["attempts"][0]["reason"]
    assert report["chain"]["used"] == {"viseme": 30}


def test_a_generator_that_fails_in_two_shots_is_dropped(tmp_path, voice, job):
    from facefactory import face_frame, face_video

    images = []
    for n in range(32):
        image = face_frame(n)
        flip = n // 8 % 2
        images.append(np.vstack([image[:STRIP], image[STRIP:, ::-1] // 2 + 60]) if flip else image)
    registry = fakes.registry(fakes.spec("faulty", fakes.Black))
    report = job(
        face_video(tmp_path / "cuts.mp4", images=images),
        voice,
        registry=registry,
        generators=("faulty",),
    ).report
    assert len(report["chain"]["shots"]) == 4
    assert [a["shot"] for a in report["chain"]["attempts"]] == [0, 1]


@pytest.mark.parametrize("silence", ["close", "keep", "generate"])
def test_silence_is_the_cores_business(face_clip, tmp_path, job, silence):
    """A generator whose features know no rest keeps its mouth out of silent frames."""
    from mediafactory import make_sound

    quiet = make_sound(tmp_path / "q.wav", samples=np.zeros((1, 19200), np.float32))
    registry = fakes.registry(fakes.spec("painter"))
    done = job(face_clip, quiet, registry=registry, generators=("painter",), silence=silence)
    shown = np.mean([green(frame) for frame in done.frames()])
    assert (shown > 0) == (silence == "generate"), "skin has more red than green"


def test_overlapping_chunks_are_crossfaded_and_lose_no_frame(face_clip, voice, job):
    spec = fakes.spec("long", chunk=ChunkSpec(frames=8, overlap=3, batches=False))
    done = job(
        face_clip, voice, registry=fakes.registry(spec), generators=("long",), silence="generate"
    )
    assert done.numbers() == list(range(30))
    assert min(green(frame) for frame in done.frames()) > 20


def test_denser_landmarks_than_needed_are_thinned(face_clip, voice, job):
    spec = fakes.spec(
        "aligned",
        crop=AlignedCrop(
            size=(96, 96),
            groups=((0,), (1,), (2,)),
            reference=((30, 40), (66, 40), (48, 60)),
            scheme="5",
        ),
    )
    done = job(face_clip, voice, registry=fakes.registry(spec), generators=("aligned",))
    assert done.report["chain"]["used"] == {"aligned": 30}


def test_too_sparse_landmarks_are_a_reason_before_anything_is_rendered(face_clip, voice, job):
    registry = fakes.registry(fakes.spec("painter"), fakes.SPARSE)
    chosen = {"registry": registry, "detector": "sparse", "silence": "generate"}
    done = job(face_clip, voice, generators=("viseme", "painter"), **chosen)
    assert done.report["chain"]["used"] == {"painter": 30}
    (attempt,) = done.report["chain"]["attempts"]
    assert (attempt["generator"], attempt["phase"]) == ("viseme", "probe")
    assert attempt["reason"] == "it needs 478 landmarks, and the detector 'sparse' gives 68"
    assert "--detector" in attempt["hint"]
    with pytest.raises(PluginUnavailable, match="viseme: it needs 478"):
        job(face_clip, voice, generators=("viseme",), **chosen)


def test_guarded_sorts_errors():
    def fail(error):
        def call():
            raise error

        return call

    for error, expected in (
        (ValueError("x"), StageFailure),
        (PluginUnavailable("x"), StageFailure),
        (MemoryError(), OutOfMemory),
        (RuntimeError("CUDA out of memory. Tried to allocate"), OutOfMemory),
        (UsageError("x"), UsageError),
    ):
        with pytest.raises(expected):
            guarded("generate", fail(error))


def test_a_dark_scene_is_not_taken_for_a_failure():
    night = np.full((2, 8, 8, 3), 6, np.uint8)
    assert checked(np.zeros_like(night), night) is not None
    with pytest.raises(StageFailure, match="black"):
        checked(np.zeros_like(night), night + 60)


def test_default_generator_is_the_one_that_came_with_the_core():
    registry = fakes.registry(fakes.spec("aaa"))
    assert chain.default_generator(registry).name == "viseme"


def test_the_report_on_disk_tells_the_same_story(face_clip, voice, job):
    registry = fakes.registry(fakes.spec("faulty", fakes.TooFew))
    done = job(face_clip, voice, registry=registry, generators=("faulty",))
    written = json.loads((done.output.parent / "out.mp4.report.json").read_text())
    assert written["chain"]["attempts"][0]["phase"] == "check"


def test_options_of_a_shared_name_reach_the_one_that_declares_them(face_clip, voice, job):
    from lipsync_core.builtin.plugin import MEL
    from lipsync_core.specs import Option

    class_options = (Option(key="steps", default=20, help="how many"),)
    encoder = replace(
        MEL, name="shared", options=(Option(key="window", default=16, help="columns"),)
    )
    spec = fakes.spec("shared", audio_encoder="shared", options=class_options)
    registry = fakes.registry(spec, encoder)
    for given in ({"steps": "3"}, {"window": "8"}, {"steps": "3", "window": "8"}):
        report = job(
            face_clip, voice, registry=registry, generators=("shared",), options={"shared": given}
        ).report
        assert report["chain"]["used"] == {"shared": 30}
    with pytest.raises(UsageError, match="'shared' has no option 'stepps'"):
        job(face_clip, voice, registry=registry, options={"shared": {"stepps": "3"}})


def test_an_encoder_that_lacks_something_keeps_its_generator_out(face_clip, voice, job):
    from lipsync_core.builtin.plugin import MEL

    encoder = replace(MEL, name="deaf", weights=(WeightFile(path="ears.pt"),))
    registry = fakes.registry(fakes.spec("painter", audio_encoder="deaf"), encoder)
    report = job(face_clip, voice, registry=registry, generators=("painter",)).report
    assert "ears.pt" in report["chain"]["attempts"][0]["reason"]
