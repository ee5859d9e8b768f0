"""`lipsync weights` as a person meets it: what is shown, asked and refused."""

from __future__ import annotations

import json
import sys
from io import StringIO
from pathlib import Path

import pytest
from commandline import lipsync
from weights.hubserver import serve
from weights.test_pull import network, offer_river

from lipsync_core.cli.confirmation import confirm
from lipsync_core.cli.sizes import size_in_words
from lipsync_core.errors import UsageError

pytestmark = pytest.mark.usefixtures("weighty")


@pytest.fixture
def hub(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with serve() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        yield running


def stone(tmp_path: Path) -> Path:
    (tmp_path / "mine.bin").write_bytes(network(8))
    return tmp_path / "mine.bin"


def test_nothing_is_here(tmp_path):
    out = lipsync("weights", "list").stdout
    assert "research only" in out and "lipsync weights pull river" in out
    assert lipsync("weights", "verify").returncode == 0
    missing = lipsync("weights", "verify", "river")
    assert missing.returncode == 4 and "Weight files of 'river' are missing: " in missing.stderr
    assert lipsync("weights", "path", "stone").returncode == 4
    assert "has no weight files of 'stone'" in lipsync("weights", "remove", "stone").stderr
    for words in (("list", "mel"), ("pull", "mel")):
        refused = lipsync("weights", *words)
        assert refused.returncode == 2 and "'mel' needs no weight files." in refused.stderr


def test_a_file_comes_is_found_and_goes(tmp_path):
    file = stone(tmp_path)
    done = lipsync("weights", "import", file, "--as", "stone/stone.pth", "--link")
    assert done.returncode == 0 and f"{file} -> " in done.stderr
    told = json.loads(lipsync("weights", "path", "stone", "--json").stdout)
    assert list(told["files"]) == ["stone.pth"]
    assert lipsync("weights", "path", "stone").stdout == told["files"]["stone.pth"] + "\n"
    assert " whole stone/stone.pth" in lipsync("weights", "verify", "stone").stdout
    rows = json.loads(lipsync("weights", "verify", "stone", "--json").stdout)
    assert {row["file"]: row["state"] for row in rows}["stone_gan.pth"] == "absent"
    refused = lipsync("weights", "remove", "stone")
    assert refused.returncode == 2 and refused.stderr.startswith("Error: Delete ")
    assert "removed " in lipsync("weights", "remove", "stone", "-y").stderr
    lipsync("weights", "import", file, "--as", "stone/stone.pth")
    gone = json.loads(lipsync("weights", "remove", "stone", "-y", "--json").stdout)["removed"]
    assert [Path(path).name for path in gone] == ["stone.pth"]
    assert json.loads(lipsync("weights", "remove", "stone", "--json").stdout) == {"removed": []}


def test_damage_is_an_error(tmp_path):
    file = stone(tmp_path)
    lipsync("weights", "import", file, "--as", "stone.pth")
    place = Path(lipsync("weights", "path", "stone").stdout.strip())
    place.write_bytes(place.read_bytes()[:-1] + b"?")
    for words in ((), ("--json",)):
        done = lipsync("weights", "verify", "stone", *words)
        assert done.returncode == 8 and "1 weight files are damaged" in done.stderr
        assert "Get it again from the page of its authors" in done.stderr


def test_files_that_nobody_wants(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "other.pth").write_bytes(b"no weights")
    none = lipsync("weights", "import", tmp_path / "folder")
    assert none.returncode == 3 and "No plugin needs a file in" in none.stderr
    (tmp_path / "folder" / "good.pth").write_bytes(network(16))
    some = lipsync("weights", "import", tmp_path / "folder", "--json")
    assert some.returncode == 0 and "refused: " in some.stderr
    assert {row["as"] for row in json.loads(some.stdout)} == {
        "river/whisper/tiny.pt",
        "delta/ears.pt",
    }
    bad = tmp_path / "folder" / "other.pth"
    both = lipsync("weights", "import", tmp_path / "folder" / "good.pth", bad, "--json")
    assert both.returncode == 3 and json.loads(both.stdout)
    assert lipsync("weights", "import", bad).returncode == 3
    two = lipsync("weights", "import", bad, bad, "--as", "x.pth")
    assert two.returncode == 2 and "--as names one file" in two.stderr
    assert lipsync("weights", "import", bad, "--plugin", "nobody").returncode == 2


def test_files_are_fetched(hub):
    offer_river(hub)
    done = lipsync("weights", "pull", "river")
    assert done.returncode == 0 and "river: MIT" in done.stderr
    assert "commercial" not in done.stderr.split("\n")[0]
    assert lipsync("weights", "verify", "river").returncode == 0
    assert "yes" in lipsync("weights", "list", "river").stdout
    one = lipsync("weights", "pull", "river", "--file", "extra.pth", "--again", "--json")
    assert [row["file"] for row in json.loads(one.stdout)] == ["extra.pth"]
    place = Path(json.loads(one.stdout)[0]["path"])
    place.write_bytes(b"damaged")
    told = lipsync("weights", "verify", "river").stderr
    assert "lipsync weights pull river --file extra.pth --again" in told
    assert lipsync("weights", "pull", "river", "--all-optional", "--again").returncode == 0
    hub.put("owner/delta", "delta.onnx", b"onnx")
    shared = lipsync("weights", "pull", "delta", "--yes")
    assert shared.returncode == 0 and "no commercial use" in shared.stderr


def test_what_cannot_be_fetched(hub):
    lost = lipsync("weights", "pull", "stone")
    assert lost.returncode == 4 and "no repository has them" in lost.stderr
    unknown = lipsync("weights", "pull", "river", "--file", "typo.pth")
    assert unknown.returncode == 2 and "Unknown weight file 'typo.pth'." in unknown.stderr
    strict = lipsync("weights", "pull", "delta")
    assert strict.returncode == 2 and "must not be used commercially" in strict.stderr


def test_an_export(tmp_path):
    lipsync("weights", "import", stone(tmp_path), "--as", "stone.pth")
    done = lipsync("weights", "export", "stone", "--format", "onnx")
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).read_text() == "stone.pth"
    told = json.loads(lipsync("weights", "export", "stone", "--format", "onnx", "--json").stdout)
    assert told == {"files": [done.stdout.strip()]}
    other = lipsync("weights", "export", "stone", "--format", "tflite")
    assert other.returncode == 2 and "It exports to onnx." in other.stderr
    none = lipsync("weights", "export", "river", "--format", "onnx")
    assert none.returncode == 2 and "It cannot be exported at all." in none.stderr


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_question_is_answered(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Terminal("y\nn\n"))
    confirm("Delete it?")
    with pytest.raises(UsageError, match=r"Nothing was changed\."):
        confirm("Delete it?")
    assert "Delete it?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("size", "words"),
    [(None, ""), (10, "0.1 MB"), (4_200_000, "4.2 MB"), (3_400_000_000, "3.4 GB")],
)
def test_sizes(size: int | None, words: str):
    assert size_in_words(size) == words
