"""The command line as a person meets it: words in, sentences and exit codes out, nothing lost."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commandline import lipsync
from commandline import lipsync as in_a_process
from facefactory import face_frame, face_video, write_picture
from mediafactory import number_of

from lipsync_core.media.probe import probe_target
from lipsync_core.media.reader import VideoReader


def test_without_inputs_the_bundled_sample_speaks(tmp_path):
    words = ["--generator", "latentsync", "--fallback", "musetalk", "-o", "demo.mp4"]
    done = lipsync("run", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "No inputs given" in done.stderr
    for name in ("latentsync", "musetalk"):
        assert f"{name} (probe): " in done.stderr, "what it lacks"
    remedies = re.findall(r"pip\s+install|lipsync\s+weights", done.stderr)
    assert len(remedies) >= 2, "how to get it"
    assert "had to serve" in done.stderr
    assert probe_target(tmp_path / "demo.mp4").frames == 178
    assert done.stdout == ""


def test_json_is_all_there_is_on_stdout(face_clip, voice, tmp_path):
    done = lipsync("run", face_clip, voice, "-o", tmp_path / "o.mp4", "--json")
    told = json.loads(done.stdout)
    assert told["output"]["frames"] == 30
    assert told == json.loads((tmp_path / "o.mp4.report.json").read_text())
    failed = lipsync("run", tmp_path / "no.mp4", voice, "-o", tmp_path / "o.mp4", "--json")
    error = json.loads(failed.stdout)
    assert error["exit_code"] == failed.returncode == 3 and "no.mp4" in error["message"]


def test_quiet_says_nothing(face_clip, voice, tmp_path):
    done = in_a_process("run", face_clip, voice, "-o", tmp_path / "o.mp4", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_summary_says_what_ran(face_clip, voice, tmp_path):
    done = lipsync("run", face_clip, voice, "-o", tmp_path / "o.mp4", "--enhance", "sharpen:0.8")
    assert done.returncode == 0
    for word in ("30 (1.20 s)", "viseme (30 frames)", "real time", "o.mp4.report.json"):
        assert word in done.stderr


def test_a_dry_run_plans_and_writes_nothing(face_clip, voice, tmp_path):
    done = lipsync("run", face_clip, voice, "-o", "o.mp4", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0 and "would make" in done.stdout
    assert list(tmp_path.iterdir()) == []
    told = json.loads(
        lipsync("run", face_clip, voice, "-o", "o.mp4", "--dry-run", "--json", cwd=tmp_path).stdout
    )
    assert told["frames"] == 30


def test_a_folder_of_pictures_speaks(voice, tmp_path):
    (tmp_path / "frames").mkdir()
    for k in range(10):
        write_picture(tmp_path / "frames" / f"{k}.png", face_frame(k))
    done = lipsync("run", "frames", voice, "--fps", "30", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    face = told["inputs"]["target"]
    assert (face["codec"], face["frames"], face["frame_rate"]) == ("pictures", 10, "30")
    with VideoReader(tmp_path / "frames-lipsync.mp4") as reader:
        numbers = [number_of(picture.rgb()) for picture in reader.frames()]
    assert numbers == [*range(10), *range(8, -1, -1), *range(1, 10), *range(8, -1, -1)][:36]
    again = json.loads(
        lipsync("run", "frames", voice, "--fps", "30", "--json", cwd=tmp_path).stdout
    )
    assert again["faces"]["from_cache"]
    write_picture(tmp_path / "frames" / "9.png", face_frame(11))
    other = json.loads(
        lipsync("run", "frames", voice, "--fps", "30", "--json", cwd=tmp_path).stdout
    )
    assert not other["faces"]["from_cache"]
    write_picture(tmp_path / "frames" / "4.png", face_frame(4)[2:])
    done = lipsync("run", "frames", voice, "-q", cwd=tmp_path)
    assert done.returncode == 3 and "4.png is 288x334" in done.stderr


@pytest.mark.parametrize("name", ['a b\'s "q".mp4', "émile %d.mp4", "x.y.z.mp4", "-dash.mp4"])
def test_any_file_name(face_clip, voice, tmp_path, name):
    (tmp_path / name).write_bytes(face_clip.read_bytes())
    out = f"out {name}"
    done = lipsync("run", f"./{name}", voice, "-o", out, "-q", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert probe_target(tmp_path / out).frames == 30


def empty_folder(tmp_path: Path) -> Path:
    (tmp_path / "nothing").mkdir()
    return tmp_path / "nothing"


def test_brackets_in_names_are_shown_as_they_are(face_clip, voice, tmp_path):
    """Rich would take [x] for a style and leave it out."""
    folder = tmp_path / "a [x] b"
    folder.mkdir()
    out = folder / "o [bold].mp4"
    assert str(out) in lipsync("run", face_clip, voice, "-o", out, "--dry-run", columns=400).stdout
    done = lipsync("run", face_clip, voice, "-o", out, columns=400)
    shown = [line.split(maxsplit=1) for line in done.stderr.splitlines()]
    assert ["video", str(out)] in [[w.strip() for w in words] for words in shown]
    assert ["report", f"{out}.report.json"] in [[w.strip() for w in words] for words in shown]
    assert str(out) in lipsync("verify", out, columns=400).stdout
    sheet = folder / "s [red].png"
    assert str(sheet) in lipsync("faces", out, "-o", sheet, columns=400).stdout
    gone = folder / "no [i] [1].mp4"
    assert str(gone) in lipsync("run", gone, voice, columns=400).stderr


def bad_inputs(tmp_path: Path, clip: Path, voice: Path):
    """(what is wrong, face, voice, output, exit code, a word that names it)."""
    empty, text, cut = tmp_path / "empty.mp4", tmp_path / "text.mp4", tmp_path / "cut.mp4"
    empty.write_bytes(b"")
    text.write_text("this is no video\n" * 50)
    cut.write_bytes(clip.read_bytes()[:3000])
    grey = write_picture(tmp_path / "grey.png", np.full((160, 160, 3), 128, np.uint8))
    good = tmp_path / "good.mp4"
    good.write_bytes(b"good")
    out = tmp_path / "out.mp4"
    return {
        "missing face": (tmp_path / "nowhere.mp4", voice, out, 3, "nowhere.mp4"),
        "missing voice": (clip, tmp_path / "nowhere.wav", out, 3, "nowhere.wav"),
        "empty": (empty, voice, out, 3, "empty.mp4"),
        "truncated": (cut, voice, out, 3, "cut.mp4"),
        "text": (text, voice, out, 3, "text.mp4"),
        "folder": (empty_folder(tmp_path), voice, out, 3, "a folder without pictures"),
        "no face": (grey, voice, out, 3, "No face"),
        "voice without sound": (clip, clip, out, 3, "face clip.mp4"),
        "sound as face": (voice, voice, out, 3, "voice.wav"),
        "missing folder": (clip, voice, tmp_path / "a" / "b.mp4", 6, "mkdir"),
        "output is a folder": (clip, voice, tmp_path, 6, str(tmp_path)),
        "output is an input": (clip, voice, clip, 6, "one of the inputs"),
        "unknown ending": (clip, voice, tmp_path / "o.xyz", 6, ".mp4"),
    }


WRONGS = [
    "missing face", "missing voice", "empty", "truncated", "text", "folder", "no face",
    "voice without sound", "sound as face", "missing folder", "output is a folder",
    "output is an input", "unknown ending",
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONGS)
def test_bad_input_gets_one_sentence_and_costs_nothing(wrong, face_clip, voice, tmp_path):
    cases = bad_inputs(tmp_path, face_clip, voice)
    assert sorted(cases) == sorted(WRONGS)
    face, audio, output, code, word = cases[wrong]
    before = {p: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()}
    done = lipsync("run", face, audio, "-o", output, "-q")
    assert done.returncode == code, done.stderr
    assert word in done.stderr and "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert lines[0].startswith("Error: ") and len(lines) <= 2
    assert {p: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()} == before


def test_a_full_disk_keeps_the_earlier_output(face_clip, voice, tmp_path):
    output = tmp_path / "o.mp4"
    output.write_bytes(b"good")

    def small_files():
        import signal

        signal.signal(
            signal.SIGXFSZ, signal.SIG_IGN
        )  # writing past the limit then fails with EFBIG
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    empty = str(tmp_path.parent / "no cache")  # finding the faces writes, too
    done = in_a_process(
        "run", face_clip, voice, "-o", output, "-q", preexec=small_files, LIPSYNC_CACHE=empty
    )
    assert done.returncode == 6, done.stderr
    assert "Traceback" not in done.stderr
    assert output.read_bytes() == b"good"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["o.mp4"]


@pytest.mark.skipif(shutil.which("unshare") is None, reason="wants unshare to mount a tiny disk")
def test_a_really_full_disk(face_clip, voice, tmp_path):
    (tmp_path / "disk").mkdir()
    script = (
        f"mount -t tmpfs -o size=60k tmpfs '{tmp_path}/disk' && "
        f"exec '{sys.executable}' -m lipsync_core run '{face_clip}' '{voice}' -o '{tmp_path}/o.mp4' -q"
    )
    done = subprocess.run(
        ["unshare", "-rm", "bash", "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"LIPSYNC_CACHE": str(tmp_path / "disk"), "NO_COLOR": "1"},
    )
    if "mount" in done.stderr and "denied" in done.stderr:
        pytest.skip("no right to mount here")
    assert done.returncode == 6, done.stderr
    assert "full" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "o.mp4").exists()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["run", "only-one.mp4"], 2, "AUDIO is missing"),
        (["run", "--fallback", "musetalk"], 2, "--generator"),
        (["run", "a", "b", "--enhance", "sharpen:7"], 2, "0 to 1"),
        (["run", "a", "b", "--option", "viseme"], 2, "NAME.KEY=VALUE"),
        (["run", "--no-such-option"], 2, "no-such-option"),
        (["run", "--generator", "lattensync"], 2, "Did you mean 'latentsync'"),
        (["run", "--fps", "0"], 2, "--fps"),
        (["plugins", "info", "nothing"], 2, "nothing"),
        (["nonsense"], 2, "nonsense"),
    ],
)
def test_mistakes_on_the_command_line(words, code, told, tmp_path):
    done = lipsync(*words, cwd=tmp_path)
    assert done.returncode == code
    assert told in done.stderr + done.stdout and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_verify(face_clip, voice, tmp_path):
    lipsync("run", face_clip, voice, "-o", tmp_path / "o.mp4", "-q")
    good = lipsync("verify", tmp_path / "o.mp4")
    assert good.returncode == 0 and "AI-edited" in good.stdout
    assert (
        json.loads(lipsync("verify", tmp_path / "o.mp4", "--json").stdout)["generators"] == "viseme"
    )
    bad = lipsync("verify", face_clip)
    assert bad.returncode == 8 and "no mark" in bad.stderr


def test_faces_draws_the_tracks(tmp_path):
    two = face_video(tmp_path / "two.mp4", 12, second=True)
    done = lipsync("faces", two, "-o", tmp_path / "sheet.png")
    assert done.returncode == 0, done.stderr
    assert "id 0" in done.stdout and "id 1" in done.stdout and "2 tracks in 1 shots" in done.stdout
    sheet = probe_target(tmp_path / "sheet.png").video
    assert sheet.width == 4 * 360
    told = json.loads(lipsync("faces", two, "-o", tmp_path / "s.jpg", "--json").stdout)
    assert [t["frames"] for t in told["tracks"]] == [12, 12]
    assert lipsync("faces", two, "-o", tmp_path / "s.gif").returncode == 6


def test_version_and_help():
    from lipsync_core import __version__

    assert lipsync("--version").stdout.strip() == f"lipsync {__version__}"
    told = lipsync("run", "--help").stdout
    assert "lipsync run portrait.jpg voice.wav -o talk.mp4" in told


def test_a_closed_pipe_is_no_error():
    done = subprocess.run(
        f"'{sys.executable}' -m lipsync_core plugins list --json | head -c 1 > /dev/null; "
        "exit ${PIPESTATUS[0]}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr


def test_a_still_with_a_longer_name_gets_a_default_output(voice, tmp_path):
    write_picture(tmp_path / "me.and.you.png", face_frame(0))
    done = lipsync("run", "me.and.you.png", voice, "-q", "--still", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "me.and.you-lipsync.mp4").exists()
