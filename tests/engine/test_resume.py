"""Nothing is lost: a killed run resumes, and its frames are those of an unbroken one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import fakes
import numpy as np
import pytest
from facefactory import face_video, speech

from lipsync_core.engine import plan as planning
from lipsync_core.engine import run as engine
from lipsync_core.engine.record.workspace import Workspace, fingerprint
from lipsync_core.engine.rendering.segments import cut_segments
from lipsync_core.engine.run import run
from lipsync_core.errors import Cancelled, OutputError
from lipsync_core.machine import places
from lipsync_core.media.reader import VideoReader
from lipsync_core.requests import RunRequest
from lipsync_core.specs import ChunkSpec


def pixels(path):
    with VideoReader(path) as reader:
        return [picture.rgb() for picture in reader.frames()]


def segments_on_disk():
    return list((places.cache() / "runs").glob("*/segments/*.nut"))


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory):
    """A clip and a voice that take several segments."""
    folder = tmp_path_factory.mktemp("long")
    return face_video(folder / "long.mp4", 150), speech(folder / "v.wav", 6.0)


@pytest.fixture(scope="module")
def unbroken(long_clip, tmp_path_factory):
    """The pixels of the two in one go."""
    face, audio = long_clip
    output = tmp_path_factory.mktemp("whole") / "whole.mp4"
    assert not run(RunRequest.of(face, audio, output))["resumed"]
    return pixels(output)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_goes_on(long_clip, unbroken, tmp_path, how):
    face, audio = long_clip
    output = tmp_path / "out.mp4"
    output.write_bytes(b"earlier")
    words = [str(face), str(audio), "-o", str(output)]
    process = subprocess.Popen(
        [sys.executable, "-m", "lipsync_core", "run", *words, "--quiet"], env=os.environ.copy()
    )
    deadline = time.monotonic() + 60
    while len(segments_on_disk()) < 1 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(how)
    code = process.wait(30)
    assert code == (-9 if how == signal.SIGKILL else 130)
    assert output.read_bytes() == b"earlier"
    left = len(segments_on_disk())
    assert left >= 1
    request = RunRequest.of(face, audio, output)
    report = run(request)
    assert report["resumed"]
    assert segments_on_disk() == []
    for one, other in zip(pixels(output), unbroken, strict=True):
        assert np.array_equal(one, other)
    assert {p.name for p in tmp_path.iterdir()} == {"out.mp4", "out.mp4.report.json"}


class PlaceInChunk(fakes.Painter):
    """Paints where in its chunk a frame is, and how long the chunk."""

    def generate(self, chunk):
        out = chunk.crops.images.copy()
        out[:, :, :, 1] = 60 + 8 * np.arange(len(chunk))[:, None, None]
        out[:, :, :, 2] = 10 * len(chunk)
        return out


def changing(chunk):
    """The registry with it."""
    name = f"{PlaceInChunk.__module__}:PlaceInChunk"
    return fakes.registry(fakes.spec("place", factory=name, chunk=chunk, region="face"))


@pytest.mark.parametrize("lost", [(1,), (0, 3), (2, 3, 4), (4, 8)])
@pytest.mark.parametrize("chunk", [ChunkSpec(frames=8, overlap=3), ChunkSpec(frames=7)])
def test_a_run_that_goes_on_makes_the_chunks_of_an_unbroken_one(
    face_clip, voice, tmp_path, monkeypatch, lost, chunk
):
    registry = changing(chunk)
    base = {"target": face_clip, "audio": voice, "generators": ("place",), "fps": 25}

    def at_the_end(*_):
        raise OutputError("The disk is full.")

    def made(output):
        return RunRequest.of(**base, output=output, silence="generate", segment_seconds=1)

    monkeypatch.setattr(planning, "cut_segments", lambda shots, _: cut_segments(shots, 4))
    run(made(tmp_path / "whole.mp4"), registry=registry)
    with monkeypatch.context() as broken:
        broken.setattr(engine, "assemble", at_the_end)
        with pytest.raises(OutputError):
            run(made(tmp_path / "out.mp4"), registry=registry)
    segments = sorted(segments_on_disk())
    assert len(segments) == 8
    for number in lost:
        segments[number if number < 8 else 7].unlink()
    report = run(made(tmp_path / "out.mp4"), registry=registry)
    assert report["resumed"]
    assert report["chain"]["used"] == {"place": 30}
    np.testing.assert_array_equal(pixels(tmp_path / "out.mp4"), pixels(tmp_path / "whole.mp4"))


def test_two_runs_of_one_command_do_not_meet():
    with Workspace("same") as first, Workspace("same") as second:
        assert first.path != second.path
        assert first.path.stat().st_mode & 0o077 == 0, "nobody else's business"
        second.discard()
        assert first.path.exists()
        first.discard()


def test_another_request_is_another_run(face_clip, voice, tmp_path):
    base = {"target": face_clip, "audio": voice, "output": tmp_path / "o.mp4"}
    names = {
        fingerprint(RunRequest.of(**base), "f", "a", ["p"]),
        fingerprint(RunRequest.of(**base, seed=1), "f", "a", ["p"]),
        fingerprint(RunRequest.of(**base), "other", "a", ["p"]),
        fingerprint(RunRequest.of(**base), "f", "a", ["p 2"]),
        fingerprint(RunRequest.of(**(base | {"output": tmp_path / "p.mp4"})), "f", "a", ["p"]),
    }
    assert len(names) == 5
    same = fingerprint(RunRequest.of(**base, overwrite=False), "f", "a", ["p"])
    assert same == fingerprint(RunRequest.of(**base), "f", "a", ["p"])


def test_a_torn_journal_line_is_dropped():
    with Workspace("torn") as workspace:
        workspace.note_shot(0, "a")
        with (workspace.path / "journal.jsonl").open("a") as file:
            file.write('{"shot": 1, "gen')
        assert workspace.shots_made() == {0: "a"}
        workspace.discard()


def test_cancelled_is_not_a_generators_failure(face_clip, voice, tmp_path):
    from lipsync_core.running.progress import Progress

    class Impatient(Progress):
        def advance(self, done):
            raise Cancelled("stop", "go on")

    with pytest.raises(Cancelled):
        run(RunRequest.of(face_clip, voice, tmp_path / "o.mp4"), Impatient())
    assert not Path(tmp_path / "o.mp4").exists()


def test_old_unfinished_runs_go_but_not_those_at_work():
    with Workspace("old") as old, Workspace("busy") as busy:
        long_ago = time.time() - 15 * 86_400
        for workspace in (old, busy):
            os.utime(workspace.path, (long_ago, long_ago))
        old._lock.release()
        with Workspace("new") as new:
            assert not old.path.exists()
            assert busy.path.exists(), "another process has it open"
            new.discard()
        busy.discard()
