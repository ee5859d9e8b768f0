"""A person is trained from the command line, killed, gone on with, looked at, and then speaks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lipsync_core.people import store  # noqa: E402
from lipsync_core.testing import changed, lipsync, recipe, talk  # noqa: E402

FRAMES = 54
GENERATOR = "synctalk2d160"
WORDS = ("--consent", "the portrait is nobody", "--preset", "draft", "--threads", 1, "--json")


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled portrait, whose mouth follows the bundled voice: 2 s with something to learn."""
    return talk(tmp_path_factory.mktemp("footage"), FRAMES).path


def training(footage: Path, name: str, *words: object) -> list[str]:
    """What follows `lipsync`."""
    return list(map(str, ("train", "synctalk2d", footage, "--name", name, *WORDS, *words)))


def trained(footage: Path, name: str, *words: object) -> dict[str, Any]:
    done = lipsync(*training(footage, name, *words))
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_from_footage_to_a_person_who_speaks(home, footage: Path, tmp_path: Path):
    home()
    made = trained(footage, "anna", "--epochs", 2, "--sync-epochs", 1)
    card, folder = made["person"], Path(made["training"])
    assert (card["generator"], card["features"], card["variant"]) == (
        GENERATOR, "viseme", "160 pixels, 1/4 wide",
    )  # fmt: skip
    assert card["consent"] == "the portrait is nobody"
    assert set(card["figures"]) == {"mouth_error", "copy_error", "deaf_error", "picture_error"}
    history = made["history"]
    assert (len(history["syncnet"]), len(history["face"])) == (1, 2)
    assert history["face"][-1]["l1"] < history["face"][0]["l1"]
    best = min(line["mouth_error"] for line in history["face"])
    assert card["figures"]["mouth_error"] == pytest.approx(best, abs=1e-3)
    for picture in ("curves.png", "sheet.png", "sheets/epoch-0002.png"):
        assert cv2.imread(str(folder / picture)).std() > 10
    assert len(list(folder.glob("*-*.pth"))) <= 4  # the newest three, and the best

    spoken = talk(tmp_path, 8, "--generator", GENERATOR, "--strict")
    assert spoken.report["chain"]["used"] == {GENERATOR: 8}
    seen = changed(spoken.frames, talk(tmp_path, 8).frames)
    assert seen.mouth > 0.5
    assert (seen.forehead, seen.outside) == (0, 0)

    other = lipsync(*training(footage, "anna", "--features", "mel"))
    assert other.returncode == 2
    assert "other settings (features viseme -> mel" in other.stderr
    more = trained(footage, "anna", "--epochs", 3, "--sync-epochs", 1)
    assert more["history"]["face"][:1] == history["face"][:1]
    assert len(more["history"]["face"]) == 3


def state_of(home: Path, name: str) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(
            (home / "training" / GENERATOR / name / "state.json").read_text("utf-8")
        )
    except FileNotFoundError:
        return {"marks": []}
    return told


def ended(
    footage: Path, home: Path, name: str, number: int, when: Callable[[dict[str, Any]], bool]
) -> tuple[int, str]:
    """A training that is sent a signal as soon as its newest checkpoint is so; exit code and stderr."""
    words = ("--epochs", 2, "--sync-epochs", 1, "--save-seconds", 0)
    process = subprocess.Popen(
        [sys.executable, "-m", "lipsync_core", *training(footage, name, *words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < until:
        marks = state_of(home, name)["marks"]
        if marks and when(marks[-1]):
            break
        time.sleep(0.02)
    assert process.poll() is None, "it ended before it could be stopped"
    os.kill(process.pid, number)
    _, told = process.communicate(timeout=60)
    return process.returncode, told


def test_killed_in_mid_epoch_it_goes_on_with_the_same_curve(home, footage: Path):
    folder = home()
    words = ("--epochs", 2, "--sync-epochs", 1)
    whole = trained(footage, "whole", *words)

    def middle(phase: str, epoch: int) -> Callable[[dict[str, Any]], bool]:
        return lambda mark: (
            mark["phase"] == phase and mark["epoch"] == epoch and mark["step"] in (2, 3)
        )

    code, told = ended(footage, folder, "cut", signal.SIGTERM, middle("syncnet", 0))
    assert code == 130
    assert "nothing is lost" in told
    assert "Traceback" not in told
    code, _ = ended(footage, folder, "cut", signal.SIGKILL, middle("face", 1))
    assert code == -signal.SIGKILL
    assert state_of(folder, "cut")["marks"][-1]["step"] > 0
    cut = trained(footage, "cut", *words, "--save-seconds", 0)
    assert cut["history"] == whole["history"]
    people = [store.find(f"{GENERATOR}/{name}").folder / "network.pth" for name in ("cut", "whole")]
    one, other = (torch.load(path, weights_only=True) for path in people)
    assert all(torch.equal(one[name], other[name]) for name in other)


@pytest.mark.slow
def test_a_damaged_checkpoint_costs_only_what_came_after_the_one_before(home, footage: Path):
    folder = home()
    words = ("--epochs", 1, "--sync-epochs", 0, "--save-seconds", 0)
    made = trained(footage, "anna", *words)
    place = Path(made["training"])
    newest = place / state_of(folder, "anna")["marks"][-1]["file"]
    newest.write_bytes(newest.read_bytes()[:1000])
    again = trained(footage, "anna", *words)
    assert again["history"] == made["history"]
    done = lipsync(*training(footage, "anna", *words, "--from", "nowhere.pth"))
    assert done.returncode == 2
    assert "There is no checkpoint 'nowhere.pth'" in done.stderr
    (place / "state.json").write_text("{")
    done = lipsync(*training(footage, "anna", *words))
    assert (done.returncode, "cannot be read" in done.stderr) == (3, True)
    assert trained(footage, "anna", *words, "--fresh")["history"] == made["history"]
    best = trained(footage, "anna", "--epochs", 2, "--sync-epochs", 0, "--from", "best")
    assert len(best["history"]["face"]) == 2


def test_what_is_missing_is_said_before_anything_happens(home, footage: Path, tmp_path: Path):
    folder = home()

    def refused(*words: object) -> str:
        done = lipsync("train", "synctalk2d", *words)
        assert done.returncode in (2, 3, 4), done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    assert "synctalk2d" in lipsync("train", "--help").stdout
    assert "needs a name" in refused(footage)
    assert "consent of the person is missing" in refused(footage, "--name", "anna")
    said = ("--name", "anna", "--consent", "yes")
    assert "Unknown preset 'huge'" in refused(footage, *said, "--preset", "huge")
    assert "Unknown features 'ears'" in refused(footage, *said, "--features", "ears")
    assert "cannot be a person's name" in refused(footage, "--name", "../x", "--consent", "yes")
    assert "does not exist" in refused(tmp_path / "absent.mp4", *said)
    told = refused(footage, *said, "--features", "ave")
    assert "its weights are not here: audio_visual_encoder.pth" in told
    assert "--features viseme" in told
    picture = tmp_path / "still.png"
    cv2.imwrite(str(picture), np.zeros((90, 90, 3), np.uint8))
    assert "is a picture" in refused(picture, *said)
    short = talk(tmp_path, 20).path
    assert "is not fit to learn from: Only 0.8 s of 0.8 s" in refused(short, *said)
    assert "aud_ave.npy cannot be read" in refused(tmp_path, *said, "--features", "ave")
    assert not list(folder.glob("people/*/*"))
    assert not list(folder.glob("training/*/*"))


def test_check_only_looks(home, footage: Path):
    folder = home()
    told = json.loads(lipsync("train", "synctalk2d", footage, "--check", "--json").stdout)
    measured = told["footage"]
    assert measured["hit_rate"] == 1.0
    assert measured["size"] == [512, 512]
    assert measured["usable_seconds"] == pytest.approx(FRAMES / 25, abs=0.05)
    assert abs(measured["offset_ms"]) < 60
    assert any("It is short" in finding["message"] for finding in told["findings"])
    assert not (folder / "training").exists()


def test_upstreams_prepared_folder_is_learnt_from_as_it_is(home, tmp_path: Path):
    home()
    root = tmp_path / "dataset" / "May"
    for name in ("full_body_img", "landmarks"):
        (root / name).mkdir(parents=True)
    points = np.full((110, 2), 100)
    points[1, 0], points[31, 0], points[52, 1] = 40, 160, 70
    for k in range(24):
        frame = recipe.image(f"upstream{k % 5}", 220, 200)
        cv2.imwrite(str(root / "full_body_img" / f"{k}.jpg"), frame)
        lines = "".join(f"{x} {y}\n" for x, y in points)
        (root / "landmarks" / f"{k}.lms").write_text(lines)
    np.save(root / "aud_ave.npy", recipe.normal("upstream", (26, 512)))
    made = trained(root, "may", "--features", "ave", "--epochs", 1, "--sync-epochs", 0)
    card = made["person"]
    assert card["features"] == "ave"
    assert card["footage"] == "1.0 s prepared by SyncTalk_2D in May"
    assert "AVE encoder" in card["licence"]
    (root / "landmarks" / "7.lms").unlink()
    done = lipsync(*training(root, "other", "--features", "ave"))
    assert (done.returncode, "7.lms is missing" in done.stderr) == (3, True)
