"""`lipsync run --tasks`: several runs from one file, each with its report; a bad file costs nothing."""

from __future__ import annotations

import json
from pathlib import Path

import fakes
import pytest
from commandline import lipsync

from lipsync_core.cli import tasks
from lipsync_core.errors import Cancelled, UsageError
from lipsync_core.media.probe import probe_target
from lipsync_core.requests import RunRequest
from lipsync_core.specs import Option

SHIFT = Option(key="bbox_shift", default=0, help="pixels")


def written(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def test_each_task_makes_its_video_and_the_worst_code_is_told(face_clip, voice, tmp_path):
    (tmp_path / "clip.mp4").write_bytes(face_clip.read_bytes())
    (tmp_path / "results").mkdir()
    file = written(
        tmp_path / "inference.yaml",
        f"""
        task_0: {{video_path: clip.mp4, audio_path: "{voice}"}}
        task_1:
          video_path: nowhere.mp4
          audio_path: "{voice}"
        task_2: {{video_path: clip.mp4, audio_path: "{voice}", result_name: other}}
        """,
    )
    words = ("run", "--tasks", file, "-o", "results", "--generator", "viseme")
    done = lipsync(*words, cwd=tmp_path)
    assert done.returncode == 3
    assert "Error: task_1: " in done.stderr and "nowhere.mp4" in done.stderr
    assert done.stderr.count("report.json") == 2, "both are told"
    made = sorted(p.name for p in (tmp_path / "results").iterdir())
    assert made == [f"{n}.mp4{end}" for n in ("other", "task_0") for end in ("", ".report.json")]
    for name in ("other", "task_0"):
        assert probe_target(tmp_path / "results" / f"{name}.mp4").frames == 30
    told = json.loads(lipsync(*words, "--json", cwd=tmp_path).stdout)
    assert [each["task"] for each in told["tasks"]] == ["task_0", "task_1", "task_2"]
    assert told["exit_code"] == told["tasks"][1]["exit_code"] == 3
    report = json.loads((tmp_path / "results" / "other.mp4.report.json").read_text())
    assert told["tasks"][2] == {"task": "task_2", **report}


def test_stopping_one_task_stops_all(face_clip, voice, tmp_path, monkeypatch):
    def stopped(*args: object) -> None:
        raise Cancelled("Stopped.", "Rerun the same command to resume.")

    monkeypatch.setattr(tasks, "execute", stopped)
    each = f'{{video_path: "{face_clip}", audio_path: "{voice}"}}'
    file = written(tmp_path / "t.yaml", f"a: {each}\nb: {each}")
    done = lipsync("run", "--tasks", file, cwd=tmp_path)
    assert done.returncode == 130 and done.stderr.count("Stopped.") == 1


def test_a_dry_run_plans_every_task(face_clip, voice, tmp_path):
    text = f'a: {{video_path: "{face_clip}", audio_path: "{voice}", result_name: b.mkv}}'
    file = written(tmp_path / "t.yaml", text)
    done = lipsync("run", "--tasks", file, "--dry-run", cwd=tmp_path)
    assert done.returncode == 0 and "b.mkv" in done.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["t.yaml"]


GOOD = "{video_path: a.mp4, audio_path: b.wav}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds no tasks"),
        ("- a\n- b", "holds no tasks"),
        ("task_0: [", "is not valid YAML in line"),
        ("a: !!python/object/apply:os.getcwd []", "is not valid YAML"),
        ("task_0: a.mp4", "'task_0' must be a mapping"),
        ("task_0: {video_path: a.mp4}", "'task_0' needs a audio_path"),
        ("task_0: {video_path: 7, audio_path: b.wav}", "'task_0' needs a video_path"),
        ("t: {video_path: a.mp4, audio_path: b.wav, bbox_shift: [1]}", "must be a number"),
        ("t: {video_path: a.mp4, audio_path: b.wav, result_name: ../x}", "must be a file name"),
        (f"t: {GOOD}\nu: {{video_path: a.mp4, audio_path: b.wav, result_name: t}}", "both write t.mp4"),
    ],
)  # fmt: skip
def test_a_bad_file_gets_one_sentence(tmp_path, text, told):
    file = written(tmp_path / "t.yaml", text)
    done = lipsync("run", "--tasks", file, cwd=tmp_path)
    assert done.returncode == 3
    lines = done.stderr.strip().splitlines()
    assert lines[0].startswith("Error: ") and told in lines[0] and len(lines) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["t.yaml"]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00task"])
def test_a_file_that_cannot_be_read(tmp_path, content):
    if content is not None:
        (tmp_path / "t.yaml").write_bytes(content)
    done = lipsync("run", "--tasks", tmp_path / "t.yaml", cwd=tmp_path)
    assert done.returncode == 3
    assert "t.yaml cannot be read" in done.stderr and "Traceback" not in done.stderr


def test_tasks_name_their_inputs_themselves(tmp_path):
    file = written(tmp_path / "t.yaml", f"t: {GOOD}")
    done = lipsync("run", "a.mp4", "b.wav", "--tasks", file, cwd=tmp_path)
    assert done.returncode == 2 and "--tasks names the inputs" in done.stderr


def options_of(text: str, folder: Path, *generators: str) -> dict[str, dict[str, str]]:
    """What the only task of a file asks for, beside two options of the command line."""
    like = RunRequest.of(
        "x",
        "x",
        "x",
        generators=generators,
        options={"painter": {"bbox_shift": "1", "size": "2"}},
    )
    registry = fakes.registry(
        fakes.spec("painter", options=(SHIFT,)), fakes.spec("plain"), fakes.spec("third", options=(SHIFT,))
    )  # fmt: skip
    read = tasks.read(written(folder / "t.yaml", text))
    ((name, request),) = tasks.requests(read, like, folder, registry)
    assert (name, request.target.path, request.output) == ("t", Path("a.mp4"), folder / "t.mp4")
    return {k: dict(v) for k, v in request.plugins.options.items()}


def test_options_of_a_task_go_to_the_generators_that_have_them(tmp_path):
    text = "t: {video_path: a.mp4, audio_path: b.wav, bbox_shift: -7}"
    wanted = {"painter": {"bbox_shift": "-7", "size": "2"}}
    assert options_of(text, tmp_path, "painter", "plain") == wanted
    wanted["third"] = {"bbox_shift": "-7"}
    assert options_of(text, tmp_path, "painter", "third") == wanted
    assert options_of(f"t: {GOOD}", tmp_path, "plain")["painter"]["bbox_shift"] == "1"
    with pytest.raises(UsageError, match="Unknown option 'bbox_shift' in task 't': plain does not"):
        options_of(text, tmp_path, "plain")
    with pytest.raises(UsageError, match="the built-in generator does not have it"):
        options_of(text, tmp_path)
