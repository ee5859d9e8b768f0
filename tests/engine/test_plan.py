"""A plan checks everything before a frame is decoded; `--dry-run` refuses exactly what a run would refuse."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import fakes
import pytest
from facefactory import face_video, speech

from lipsync_core.engine.plan import plan
from lipsync_core.engine.run import run
from lipsync_core.errors import (
    Cancelled,
    LipsyncError,
    OutputError,
    PluginUnavailable,
    UnsupportedInput,
    UsageError,
)
from lipsync_core.machine import places
from lipsync_core.media.reader import VideoReader
from lipsync_core.requests import EncoderChoice, RunRequest
from lipsync_core.running.cancellation import CancelToken
from lipsync_core.running.progress import Progress
from lipsync_core.specs import Licence, WeightFile

NOT_COMMERCIAL = Licence(code="MIT", weights="research only", commercial=False)
WEIGHTS = (WeightFile(path="net.pth", origin="its publisher"),)


def registry():
    red = fakes.enhancer(fakes.Reddener)
    return fakes.registry(
        fakes.spec("painter"),
        fakes.spec("research", licence=NOT_COMMERCIAL),
        replace(red, name="weighty", weights=WEIGHTS),
        replace(fakes.STAMP, name="noncommercial", licence=NOT_COMMERCIAL),
        replace(fakes.STAMP, name="dense", scheme="478"),
        fakes.SPARSE,
    )


REFUSED = [
    (UsageError, "typo", {"enhancers": (("typo", None),)}),
    (UsageError, "out of range", {"enhancers": (("sharpen", 1.5),)}),
    (UsageError, "typo", {"blender": "typo"}),
    (UsageError, "typo", {"detector": "typo"}),
    (UsageError, "typo", {"generators": ("typo",)}),
    (UsageError, "does not try", {"isolate": ("painter",)}),
    (UsageError, "Unknown device", {"device": "gpu"}),
    (UsageError, "Unknown device", {"device": "cpu:1"}),
    (UsageError, "Unknown precision", {"precision": "fp8"}),
    (UsageError, "no option", {"options": {"viseme": {"typo": "1"}}}),
    (UsageError, "not installed", {"options": {"typo": {"key": "1"}}}),
    (UsageError, "--crf 999 is out of range", {"encoding": EncoderChoice(crf=999)}),
    (UsageError, "--crf -1 is out of range", {"encoding": EncoderChoice(crf=-1)}),
    (OutputError, "refuses", {"encoding": EncoderChoice(preset="typo")}),
    (OutputError, "not in the installed", {"encoding": EncoderChoice(encoder="typo")}),
    (UsageError, "out of range", {"fps": 0}),
    (UsageError, "'tallest' is not understood", {"face": "tallest"}),
    (UsageError, "at least one second", {"segment_seconds": 0}),
    (UsageError, "fit='stretch' is not bounce, loop, hold or cut", {"fit": "stretch"}),
    (UsageError, "silence='loud' is not close, keep or generate", {"silence": "loud"}),
    (PluginUnavailable, "not here", {"enhancers": (("weighty", None),)}),
    (PluginUnavailable, "commercial", {"blender": "noncommercial", "commercial_only": True}),
    (
        PluginUnavailable,
        "commercial",
        {"generators": ("research",), "strict": True, "commercial_only": True},
    ),
    (PluginUnavailable, "needs 478 landmarks", {"blender": "dense", "detector": "sparse"}),
]


@pytest.fixture
def no_decoding(monkeypatch):
    """Nothing may decode a frame."""

    def refuse(self, *_):
        raise AssertionError("a frame was decoded before everything was checked")

    monkeypatch.setattr(VideoReader, "__init__", refuse)


@pytest.mark.parametrize(("kind", "told", "choices"), REFUSED, ids=lambda v: str(v)[:40])
def test_settings_are_checked_before_anything_is_decoded(
    kind, told, choices, face_clip, voice, tmp_path, no_decoding
):
    request = RunRequest.of(face_clip, voice, tmp_path / "out.mp4", **choices)
    said = []
    for way in (plan, run):
        with pytest.raises(kind, match=told) as error:
            way(request, registry=registry())
        said.append((error.value.message, error.value.hint))
    assert said[0] == said[1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["missing/out.mp4", "out.avi", "exists.mp4", "voice.wav"])
def test_files_are_checked_before_anything_is_decoded(face_clip, tmp_path, name, no_decoding):
    audio = speech(tmp_path / "voice.wav", 0.4)
    (tmp_path / "exists.mp4").write_bytes(b"earlier")
    request = RunRequest.of(face_clip, audio, tmp_path / name, overwrite=False)
    for way in (plan, run):
        with pytest.raises(OutputError):
            way(request)
    assert (tmp_path / "exists.mp4").read_bytes() == b"earlier"


def test_inputs_are_checked_before_anything_is_decoded(face_clip, voice, tmp_path, no_decoding):
    (tmp_path / "empty.mp4").write_bytes(b"")
    for target, audio in (
        (tmp_path / "missing.mp4", voice),
        (face_clip, tmp_path / "missing.wav"),
        (tmp_path / "empty.mp4", voice),
        (face_clip, face_clip),  # it has no sound
    ):
        for way in (plan, run):
            with pytest.raises(UnsupportedInput):
                way(RunRequest.of(target, audio, tmp_path / "out.mp4"))


def test_a_setting_that_no_record_has_is_named(tmp_path):
    with pytest.raises(UsageError, match="no setting 'colour'"):
        RunRequest.of("a", "b", "c", colour="red")


def test_a_plan_says_what_a_run_does(face_clip, voice, tmp_path):
    request = RunRequest.of(
        face_clip, voice, tmp_path / "out.mp4", generators=("painter",), isolate=("painter",)
    )
    told = plan(request, registry=registry()).as_dict()
    assert [(c["generator"], c["asked"], c["isolated"]) for c in told["chain"]] == [
        ("painter", True, True),
        ("viseme", False, False),
    ]
    assert told["frames"] == 30 and told["unavailable"] == []
    assert list(tmp_path.iterdir()) == []


def unfinished() -> set[str]:
    """Folders of runs in the cache."""
    return {path.name for path in (places.cache() / "runs").glob("*/")}


class CancelsAt(Progress):
    """Cancels from another thread when a stage has come so far."""

    def __init__(self, name: str, done: int) -> None:
        self.token = CancelToken()
        self._name = name
        self._done = done
        self._here = False
        self.notes: list[str] = []

    def stage(self, name, total):
        self._here = name.startswith(self._name)

    def advance(self, done):
        if self._here and done >= self._done:
            caller = threading.Thread(target=self.token.cancel)
            caller.start()
            caller.join()

    def note(self, message):
        self.notes.append(message)


@pytest.mark.parametrize(
    ("stage", "done"), [("finding faces", 2), ("listening", 0), ("rendering", 40)]
)
def test_a_run_is_cancelled_from_another_thread_and_resumes(stage, done, tmp_path):
    target = face_video(tmp_path / "unknown.mp4", 28)
    audio = speech(tmp_path / "three.wav", 3.0)
    request = RunRequest.of(target, audio, tmp_path / "out.mp4", segment_seconds=1)
    watcher, others = CancelsAt(stage, done), unfinished()
    threads = threading.active_count()
    with pytest.raises(Cancelled):
        run(request, watcher, cancel=watcher.token)
    assert not request.output.exists()
    deadline = time.monotonic() + 5
    while threading.active_count() > threads and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= threads, "no thread is left behind"
    again = CancelsAt("never", 0)
    report = run(request, again)
    assert report["output"]["frames"] == 75
    assert report["resumed"] == (stage == "rendering")
    assert unfinished() == others, "a finished run leaves nothing behind"


def test_a_cancelled_token_stops_at_once(face_clip, voice, tmp_path):
    token = CancelToken()
    token.cancel()
    with pytest.raises(LipsyncError, match="cancelled"):
        run(RunRequest.of(face_clip, voice, tmp_path / "out.mp4"), cancel=token)
