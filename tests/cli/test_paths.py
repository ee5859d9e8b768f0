"""Names and places of files that are unusual: a run works, or says in one sentence what is in the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from commandline import lipsync, lipsync_process
from facefactory import face_video, speech

LATIN = os.fsdecode(b"caf\xe9")


@pytest.fixture
def folder(tmp_path):
    """A face video of 10 frames and a voice as long."""
    face_video(tmp_path / "clip.mp4", 10)
    speech(tmp_path / "voice.wav", 0.4)
    return tmp_path


def names(folder):
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("own_process", [True, False])
def test_names_that_are_no_text_work_everywhere(folder, own_process):
    target, audio, output = f"{LATIN}.mp4", f"{LATIN}.wav", f"out {LATIN}.mp4"
    (folder / "clip.mp4").rename(folder / target)
    (folder / "voice.wav").rename(folder / audio)
    if own_process:
        done = subprocess.run(
            [sys.executable, "-m", "lipsync_core", "run", target, audio, "-o", output],
            capture_output=True, cwd=folder, check=False,
            env=os.environ | {"COLUMNS": "200", "PYTHONIOENCODING": "utf-8:strict"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert b"out caf\xe9.mp4" in done.stderr
    else:
        assert lipsync("run", target, audio, "-o", output, "-q", cwd=folder).returncode == 0
    assert names(folder) == {target, audio, output, f"{output}.report.json"}
    report = json.loads((folder / f"{output}.report.json").read_text("utf-8"))
    assert report["output"]["path"] == output
    assert report["inputs"]["target"]["path"] == target
    assert lipsync("verify", output, cwd=folder).returncode == 0
    assert lipsync("faces", target, cwd=folder).returncode == 0
    told = lipsync("run", f"no {LATIN}.mp4", audio, "--json", cwd=folder)
    assert told.returncode == 3
    assert json.loads(told.stdout)["message"] == f"The target no {LATIN}.mp4 does not exist."


@pytest.mark.parametrize("letter", ["a", "漢"])
def test_long_names_work_up_to_what_a_disk_takes(folder, letter):
    size = len(letter.encode())
    target = f"{letter * (250 // size)}.mp4"
    (folder / "clip.mp4").rename(folder / target)
    done = lipsync("run", target, "voice.wav", "-q", cwd=folder)
    assert done.returncode == 0, done.stderr
    made = names(folder) - {target, "voice.wav"}
    assert len(made) == 2 and max(len(name.encode()) for name in made) <= 255
    (output,) = (name for name in made if name.endswith("-lipsync.mp4"))
    assert lipsync("verify", output, "--json", cwd=folder).returncode == 0
    done = lipsync("run", target, "voice.wav", "-o", f"{letter * 256}.mp4", "-q", cwd=folder)
    assert done.returncode == 6 and "is too long" in done.stderr
    done = lipsync("run", f"{letter * 256}.mp4", "voice.wav", "-q", cwd=folder)
    assert done.returncode == 3 and "File name too long" in done.stderr
    assert names(folder) == {target, "voice.wav", *made}


@pytest.mark.parametrize("role", ["target", "audio"])
def test_a_pipe_is_told_from_damage(folder, role):
    os.mkfifo(folder / "pipe")
    words = ("pipe", "voice.wav") if role == "target" else ("clip.mp4", "pipe")
    done = lipsync("run", *words, "-o", "o.mp4", cwd=folder)
    assert done.returncode == 3
    assert f"The {role} pipe is a pipe or a device, which can be read only once" in done.stderr
    assert "Save it in a file first" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("run", "clip.mp4", "voice.wav", "-o", "o.mp4"),
        ("run", "clip.mp4", "voice.wav", "-o", "o.mp4", "--dry-run"),
        ("faces", "clip.mp4"),
        ("prepare", "clip.mp4"),
    ],
    ids=" ".join,
)
def test_a_cache_that_is_a_file_is_one_sentence(folder, words):
    (folder / "cache").write_text("no folder")
    done = lipsync(*words, cwd=folder, LIPSYNC_CACHE=str(folder / "cache"))
    assert done.returncode == 6
    assert "cannot be made: a file is in its way." in done.stderr
    assert "LIPSYNC_CACHE" in done.stderr and "Traceback" not in done.stderr
    assert names(folder) == {"cache", "clip.mp4", "voice.wav"}


@pytest.mark.usefixtures("closed_terminal_is_heard")
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("words", [("run", "long.mp4", "voice.wav"), ("faces", "long.mp4")])
def test_a_stopped_analysis_leaves_nothing_half_done(folder, words, number):
    face_video(folder / "long.mp4", 400)
    cache = folder / "cache"
    process = subprocess.Popen(
        [sys.executable, "-m", "lipsync_core", *words],
        cwd=folder, env=os.environ | {"LIPSYNC_CACHE": str(cache)}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    late = threading.Timer(60, process.kill)
    late.start()
    while process.poll() is None and not list((cache / "faces").glob(".part-*")):
        time.sleep(0.01)
    process.send_signal(number)
    assert process.wait() == 130
    late.cancel()
    assert list((cache / "faces").iterdir()) == []


def test_an_output_that_is_a_link_is_followed(folder):
    (folder / "real.mp4").write_bytes(b"old")
    (folder / "link.mp4").symlink_to("real.mp4")
    assert (
        lipsync_process("run", "clip.mp4", "voice.wav", "-o", "link.mp4", cwd=folder).returncode
        == 0
    )
    assert (folder / "link.mp4").is_symlink()
    assert lipsync("verify", "real.mp4", cwd=folder).returncode == 0


@pytest.mark.parametrize("output", ["o.mp4", "o.mkv", "o.webm"])
@pytest.mark.parametrize("crf", ["99", "-1"])
def test_a_quality_outside_the_scale_is_refused(folder, output, crf):
    done = lipsync("run", "clip.mp4", "voice.wav", "-o", output, "--crf", crf, cwd=folder)
    assert done.returncode == 2 and f"--crf {crf} is out of range" in done.stderr


@pytest.mark.parametrize("name", [f"{LATIN} $b$c", "漢"])
def test_clips_and_judging_take_such_names_too(folder, name):
    (folder / "lib" / "talk").mkdir(parents=True)
    face_video(folder / "lib" / "talk" / f"{name}.mp4", 20)
    (folder / "voice.wav").rename(folder / f"{name}.wav")
    for words in (
        ("clips", "build", "lib"),
        ("clips", "render", "lib", "--audio", f"{name}.wav", "-o", f"{name}.mp4"),
        (
            "clips",
            "render",
            "--edits",
            f"{name}.edits.json",
            "--audio",
            f"{name}.wav",
            "-o",
            "x.mp4",
        ),
        ("eval", f"{name}.mp4", "-o", f"{name}.html"),
        ("eval", f"{name}.mp4", "-o", f"{name}.png"),
        ("eval", f"{name}.mp4", "-o", f"{name}.json"),
        ("prepare", f"{name}.mp4"),
    ):
        done = lipsync(*words, cwd=folder)
        assert done.returncode == 0, (words, done.stderr)
        assert "Traceback" not in done.stderr
