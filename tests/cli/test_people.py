"""`lipsync people`, and `lipsync models`, which it was called before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commandline import lipsync

from lipsync_core.people import store
from lipsync_core.people.card import CARD, Card


@pytest.fixture(autouse=True)
def home(own_home) -> Path:
    return own_home()


def train(tmp_path: Path, name: str = "anna", **more: object) -> store.Person:
    (tmp_path / "net").write_bytes(b"numbers" * 100)
    card = Card(
        **{"name": name, "generator": "viseme", "features": "mel", "epochs": 7, "consent": "yes"}
        | more
    )
    return store.save(card, {"net.pth": tmp_path / "net"})


def test_nobody_is_there(tmp_path):
    assert lipsync("people", "list").stdout.startswith("No person is trained yet.")
    assert lipsync("people", "show", "anna").returncode == 2
    assert json.loads(lipsync("people", "list", "--json").stdout) == []


def test_a_person_is_listed_and_shown(tmp_path):
    train(tmp_path, figures={"mouth_error": 0.5}, settings={"seed": 3, "rate": 0.001})
    out = lipsync("people", "list").stdout
    assert "anna" in out and "mouth_error 0.5" in out
    shown = lipsync("people", "show", "anna").stdout
    for line in (
        "epochs     7",
        "consent    yes",
        "figures    mouth_error: 0.5",
        "settings   seed: 3",
        "net.pth",
    ):
        assert line in shown
    told = json.loads(lipsync("people", "show", "viseme/anna", "--json").stdout)
    assert told["epochs"] == 7 and told["damaged"] == []
    assert lipsync("models", "list").stdout == out
    assert "  models" not in lipsync("--help").stdout


def test_damage_is_told(tmp_path):
    person = train(tmp_path)
    (person.folder / "net.pth").write_bytes(b"other")
    bob = train(tmp_path, "bob")
    (bob.folder / CARD).write_text("{}")
    out = lipsync("people", "list").stdout
    assert "viseme/anna is damaged" in out and "viseme/bob is damaged" in out
    assert "damaged: " in lipsync("people", "show", "anna").stdout


def test_a_person_travels_in_a_file(tmp_path):
    train(tmp_path)
    done = lipsync("people", "export", "anna", cwd=tmp_path)
    assert done.stdout == "anna.zip\n"
    file = tmp_path / "twin.zip"
    assert json.loads(lipsync("people", "export", "anna", "-o", file, "--json").stdout)[
        "file"
    ] == str(file)
    refused = lipsync("people", "remove", "anna")
    assert refused.returncode == 2 and "There is no terminal to ask on." in refused.stderr
    assert "removed " in lipsync("people", "remove", "anna", "--yes").stderr
    assert "viseme/twin was added" in lipsync("people", "import", file, "--name", "twin").stdout
    assert lipsync("people", "import", file, "--name", "twin").returncode != 0
    again = lipsync("people", "import", file, "--name", "twin", "--replace", "--json")
    assert json.loads(again.stdout)["name"] == "twin"
    gone = json.loads(lipsync("people", "remove", "twin", "-y", "--json").stdout)["removed"]
    assert gone.endswith("twin") and store.everybody() == []
    assert lipsync("people", "import", tmp_path / "net").returncode == 3
