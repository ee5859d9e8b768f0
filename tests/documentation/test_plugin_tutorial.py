"""The plugin tutorial is true: its files make a plugin that keeps the contract and moves the mouth."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from built import build_and_unpack
from installed import ROOT, run_python
from mouthwatch import watch

from lipsync_core import samples

PAGE = ROOT / "docs" / "plugin-tutorial.md"
FILE = re.compile(r"^`([^`\n]+)`\n\n```(?:python|toml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the page, as it says."""
    folder = tmp_path_factory.mktemp("tutorial") / "lipsync-jaw"
    for name, source in FILE.findall(PAGE.read_text(encoding="utf-8")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(source, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def site(project: Path) -> Path:
    """The wheel of it, unpacked as if installed."""
    folder = project.parent / "site"
    build_and_unpack(project, folder)
    return folder


def lipsync(*words: str, site: Path, home: Path) -> str:
    done = run_python("-m", "lipsync_core", *words, path=(site,), home=home)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_block_of_code_is_a_file_or_a_command():
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w*)$\n", text, re.MULTILINE)
    opened = [language for language in blocks if language]
    assert len(opened) == len(FILE.findall(text)) + len(COMMANDS.findall(text)) == 7


def test_its_commands_are_those_that_are_tried_here():
    lines = "".join(COMMANDS.findall(PAGE.read_text(encoding="utf-8"))).splitlines()
    words = [shlex.split(line.removeprefix("$ ")) for line in lines]
    assert [w[:3] for w in words] == [
        ["pip", "install", "-e"],
        ["lipsync", "plugins", "info"],
        ["lipsync", "plugins", "check"],
        ["lipsync", "run", "--generator"],
    ]


def test_info_shows_what_it_declares(site: Path, tmp_path: Path):
    told = json.loads(lipsync("plugins", "info", "jaw", "--json", site=site, home=tmp_path))
    assert told[0]["here"] == "ready on cpu"
    assert told[0]["plugin"] == "lipsync-jaw 0.1.0"


def test_it_keeps_the_contract(site: Path, tmp_path: Path):
    results = json.loads(lipsync("plugins", "check", "jaw", "--json", site=site, home=tmp_path))
    outcomes = {r["case"]: r["outcome"] for r in results}
    assert set(outcomes.values()) == {"passed", "skipped"}
    assert [case for case, o in outcomes.items() if o == "skipped"] == [
        "prepares arrays that can be stored"
    ]


def test_its_test_file_runs(project: Path, site: Path, tmp_path: Path):
    done = run_python("-m", "pytest", "-q", "-p", "no:cacheprovider", str(project / "tests"),
                      path=(site,), home=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_its_run_moves_the_mouth_and_nothing_else(site: Path, tmp_path: Path, voice: Path):
    out = tmp_path / "jaw.mp4"
    told = lipsync("run", str(samples.portrait()), str(voice), "--generator", "jaw", "--option",
                   "jaw.reach=0.4", "--strict", "--still", "--silence", "generate", "-o", str(out), "--json",
                   site=site, home=tmp_path)  # fmt: skip
    report = json.loads(told)
    assert report["chain"]["used"] == {"jaw": 30}
    assert report["chain"]["attempts"] == []
    seen = watch(out)
    assert seen.mouth > 12
    assert seen.beside < 3
