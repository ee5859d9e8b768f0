"""`lipsync plugins new`: what it writes installs, keeps the contract and visibly moves the mouth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from built import build_and_unpack
from installed import run_python
from mouthwatch import watch

from lipsync_core import samples
from lipsync_core.errors import OutputError, UsageError
from lipsync_core.testing import write_skeleton


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new plugin, made by the command line."""
    folder = tmp_path_factory.mktemp("new")
    target = folder / "lipsync-my-mouth"
    done = run_python("-m", "lipsync_core", "plugins", "new", "my-mouth", "--folder", str(target))
    assert done.returncode == 0, done.stderr
    assert "lipsync plugins check my-mouth" in done.stdout.replace("\n", " ")
    return target


@pytest.fixture(scope="module")
def site(project: Path) -> Path:
    """Its wheel, unpacked as if installed."""
    folder = project.parent / "site"
    names = build_and_unpack(project, folder)
    assert "lipsync_my_mouth/generator.py" in names
    return folder


def test_it_is_listed_as_installed(site: Path):
    done = run_python("-m", "lipsync_core", "plugins", "list", "--json", path=(site,))
    row = next(r for r in json.loads(done.stdout) if r["plugin"] == "lipsync-my-mouth")
    assert (row["status"], row["version"]) == ("ok", "0.1.0")
    assert [offer["name"] for offer in row["offers"]] == ["my-mouth"]


def test_it_passes_every_case(site: Path, tmp_path: Path):
    done = run_python(
        "-m", "lipsync_core", "plugins", "check", "my-mouth", "--json", path=(site,), home=tmp_path
    )
    assert done.returncode == 0, done.stdout
    results = {r["case"]: r["outcome"] for r in json.loads(done.stdout)}
    assert len(results) >= 15
    assert [case for case, outcome in results.items() if outcome != "passed"] == [
        "prepares arrays that can be stored"
    ]


def test_its_own_tests_pass(project: Path, site: Path, tmp_path: Path):
    done = run_python("-m", "pytest", "-q", "-p", "no:cacheprovider", str(project / "tests"),
                      path=(site,), home=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_it_moves_the_mouth_and_nothing_else(site: Path, tmp_path: Path, voice: Path):
    out = tmp_path / "talk.mp4"
    done = run_python("-m", "lipsync_core", "run", str(samples.portrait()), str(voice), "-o", str(out),
                      "--generator", "my-mouth", "--strict", "--still", "--silence", "generate", "--json",
                      path=(site,), home=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["chain"]["used"] == {"my-mouth": 30}
    seen = watch(out)
    assert seen.frames == 30
    assert seen.mouth > 12
    assert seen.beside < 3


@pytest.mark.parametrize("name", ["My", "9lives", "a b", "../x", "a--b", "class", ""])
def test_names_that_cannot_be_used(tmp_path: Path, name: str):
    with pytest.raises(UsageError, match="cannot be the name"):
        write_skeleton(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_it_never_writes_over_something(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(UsageError, match="not empty"):
        write_skeleton("fine", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_place_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_skeleton("fine", tmp_path / "file" / "below")
