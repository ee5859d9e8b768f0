"""Nothing is lost: a killed run goes on where it stopped, and its frames are those of an unbroken one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from facefactory import face_video, speech

from lipsync_core import places
from lipsync_core.engine.request import RunRequest
from lipsync_core.engine.run import run
from lipsync_core.engine.workspace import Workspace, fingerprint
from lipsync_core.errors import Cancelled
from lipsync_core.media.reader import VideoReader


def pixels(path):
    with VideoReader(path) as reader:
        return [picture.rgb() for picture in reader.frames()]


def segments_on_disk():
    return list((places.cache() / "runs").glob("*/segments/*.nut"))


@pytest.fixture
def long_clip(tmp_path):
    return face_video(tmp_path / "long.mp4", 250), speech(tmp_path / "v.wav", 7.0)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_goes_on(long_clip, tmp_path, how):
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
    request = RunRequest(face=face, audio=audio, output=output)
    report = run(request)
    assert report["resumed"]
    assert segments_on_disk() == []
    unbroken = run(RunRequest(face=face, audio=audio, output=tmp_path / "whole.mp4"))
    assert not unbroken["resumed"]
    for one, other in zip(pixels(output), pixels(tmp_path / "whole.mp4"), strict=True):
        assert np.array_equal(one, other)
    leftovers = {p.name for p in tmp_path.iterdir()}
    assert leftovers == {
        "long.mp4", "v.wav", "out.mp4", "out.mp4.report.json", "whole.mp4", "whole.mp4.report.json"
    }  # fmt: skip


def test_two_runs_of_one_command_do_not_meet():
    with Workspace("same") as first, Workspace("same") as second:
        assert first.path != second.path
        second.discard()
        assert first.path.exists()
        first.discard()


def test_another_request_is_another_run(face_clip, voice, tmp_path):
    base = {"face": face_clip, "audio": voice, "output": tmp_path / "o.mp4"}
    names = {
        fingerprint(RunRequest(**base), "f", "a", ["p"]),
        fingerprint(RunRequest(**base, seed=1), "f", "a", ["p"]),
        fingerprint(RunRequest(**base), "other", "a", ["p"]),
        fingerprint(RunRequest(**base), "f", "a", ["p 2"]),
        fingerprint(RunRequest(**(base | {"output": tmp_path / "p.mp4"})), "f", "a", ["p"]),
    }
    assert len(names) == 5
    same = fingerprint(RunRequest(**base, overwrite=False), "f", "a", ["p"])
    assert same == fingerprint(RunRequest(**base), "f", "a", ["p"])


def test_a_torn_journal_line_is_dropped():
    with Workspace("torn") as workspace:
        workspace.note({"shot": 0, "generator": "a"})
        with (workspace.path / "journal.jsonl").open("a") as file:
            file.write('{"shot": 1, "gen')
        assert workspace.journal() == [{"shot": 0, "generator": "a"}]
        workspace.discard()


def test_cancelled_is_not_a_generators_failure(face_clip, voice, tmp_path):
    from lipsync_core.engine.progress import Progress

    class Impatient(Progress):
        def advance(self, done):
            raise Cancelled("stop", "go on")

    with pytest.raises(Cancelled):
        run(RunRequest(face=face_clip, audio=voice, output=tmp_path / "o.mp4"), Impatient())
    assert not Path(tmp_path / "o.mp4").exists()
