"""Trained people: kept, found, taken along in one file; a bad file changes nothing and says why."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from commandline import lipsync

from lipsync_core.errors import LipsyncError, PluginUnavailable, UnsupportedInput, UsageError
from lipsync_core.people import archive, store
from lipsync_core.people.card import CARD, Card


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIPSYNC_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def anna(tmp_path: Path, generator: str = "viseme", name: str = "anna") -> store.Person:
    (tmp_path / "net").write_bytes(b"numbers" * 1000)
    (tmp_path / "sheet").write_bytes(b"picture")
    card = Card(
        name=name,
        generator=generator,
        features="viseme",
        epochs=7,
        consent="Anna agreed",
        figures={"mouth_error": 0.5},
        settings={"seed": 3},
    )
    return store.save(card, {"net.pth": tmp_path / "net", "sheet.png": tmp_path / "sheet"})


def test_a_person_is_kept_found_and_replaced(tmp_path: Path, home: Path):
    person = anna(tmp_path)
    assert person.folder == home / "people" / "viseme" / "anna"
    assert store.find("anna").card == person.card == store.find("viseme/anna").card
    assert list(store.damaged(person)) == []
    (tmp_path / "net").write_bytes(b"other")
    again = store.save(person.card, {"net.pth": tmp_path / "net"})
    assert [f.name for f in again.card.files] == ["net.pth"]
    assert sorted(p.name for p in person.folder.iterdir()) == [CARD, "net.pth"]
    assert [p.label for p in store.everybody()] == ["viseme/anna"]
    anna(tmp_path, "other")
    with pytest.raises(UsageError, match="Several people"):
        store.find("anna")
    with pytest.raises(UsageError, match="Nobody is called 'bob'"):
        store.find("bob")


@pytest.mark.parametrize("name", ["../anna", "a/b", "", ".anna", "anna.", "a" * 65, "a\nb"])
def test_names_that_are_no_folders(name: str, tmp_path: Path):
    with pytest.raises(UsageError, match="cannot be a person's name"):
        anna(tmp_path, name=name)


def test_there_and_back_in_one_file(tmp_path: Path):
    person = anna(tmp_path)
    archive.pack(person, tmp_path / "a.zip")
    archive.pack(person, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with pytest.raises(UsageError, match="already"):
        archive.unpack(tmp_path / "a.zip", ["viseme"])
    twin = archive.unpack(tmp_path / "a.zip", ["viseme"], "twin")
    assert twin.card.name == "twin"
    assert twin.card.files == person.card.files
    assert (twin.folder / "net.pth").read_bytes() == b"numbers" * 1000
    (person.folder / "net.pth").unlink()
    with pytest.raises(UnsupportedInput, match=r"damaged: net\.pth is missing"):
        archive.pack(person, tmp_path / "c.zip")
    assert not (tmp_path / "c.zip").exists()
    mended = archive.unpack(tmp_path / "a.zip", ["viseme"], replace_=True)
    assert list(store.damaged(mended)) == []


def changed(path: Path, into: Path, **members: bytes | None) -> Path:
    """The archive with other members; None leaves one out."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(into, "w") as new:
        kept = {n: old.read(n) for n in old.namelist()} | members
        for name, content in kept.items():
            if content is not None:
                new.writestr(name, content)
    return into


def test_bad_files_are_told_in_a_sentence_and_leave_nothing(tmp_path: Path, home: Path):
    person = anna(tmp_path)
    good = tmp_path / "good.zip"
    archive.pack(person, good)
    store.remove(person)
    card = json.loads(zipfile.ZipFile(good).read(CARD))
    traversal = json.loads(json.dumps(card))
    traversal["files"][0]["name"] = "../../evil.pth"

    def told(path: Path, generators: list[str] | None = None) -> str:
        with pytest.raises(LipsyncError) as error:
            archive.unpack(path, ["viseme"] if generators is None else generators)
        assert not store.everybody()
        assert not list((home / "people").rglob("*.pth"))
        return error.value.message

    out = tmp_path / "bad.zip"
    assert "'../../evil.pth' is not a plain file name" in told(
        changed(good, out, **{CARD: json.dumps(traversal).encode(), "../../evil.pth": b"x"})
    )
    assert "'../evil', which its card does not name" in told(
        changed(good, out, **{"../evil": b"x"})
    )
    assert "net.pth is missing in it" in told(changed(good, out, **{"net.pth": None}))
    assert "another content" in told(changed(good, out, **{"net.pth": b"numberz" * 1000}))
    assert "has 3 bytes instead of 7000" in told(changed(good, out, **{"net.pth": b"abc"}))
    assert "not a trained person: it has no card" in told(changed(good, out, **{CARD: None}))
    assert "is no JSON" in told(changed(good, out, **{CARD: b"{"}))
    newer = json.dumps(card | {"schema": 99}).encode()
    assert "layout 99" in told(changed(good, out, **{CARD: newer}))
    out.write_bytes(good.read_bytes()[:3000])
    assert "is damaged, or no trained person" in told(out)
    out.write_bytes(b"no archive at all")
    assert "is damaged, or no trained person" in told(out)
    assert "cannot be read" in told(tmp_path / "absent.zip")
    assert "for the generator 'viseme', which is not installed" in told(good, ["another"])
    with pytest.raises(PluginUnavailable):
        archive.unpack(good, [])


def test_a_damaged_card_is_a_row_and_not_the_end(tmp_path: Path):
    anna(tmp_path)
    other = anna(tmp_path, name="bob")
    (other.folder / CARD).write_text('{"schema": 1, "name": "bob"}', "utf-8")
    rows = {p.folder.name: p for p in store.everybody()}
    assert rows["anna"].card is not None
    assert rows["bob"].card is None
    assert "is damaged" in rows["bob"].fault


def test_from_the_command_line(tmp_path: Path):
    assert "No person is trained yet" in lipsync("people", "list").stdout
    anna(tmp_path)
    (row,) = json.loads(lipsync("people", "list", "--json").stdout)
    assert (row["name"], row["generator"], row["epochs"], row["damaged"]) == (
        "anna", "viseme", 7, [],
    )  # fmt: skip
    assert "mouth_error 0.5" in lipsync("people", "list").stdout
    assert "consent    Anna agreed" in lipsync("people", "show", "anna").stdout
    file = tmp_path / "anna.zip"
    assert lipsync("people", "export", "anna", "-o", file).returncode == 0
    assert "Add --yes" in lipsync("people", "remove", "anna").stderr
    assert lipsync("people", "remove", "anna", "--yes").returncode == 0
    assert lipsync("people", "show", "anna").returncode == 2
    assert lipsync("people", "import", file).returncode == 0
    assert store.find("anna").card.epochs == 7
    done = lipsync("people", "import", tmp_path / "net")
    assert (done.returncode, "Traceback" in done.stderr) == (3, False)
