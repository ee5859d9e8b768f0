"""The probe says what is missing, the store takes the file by its content."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from lipsync_syncnet.spec import SYNCNET, WEIGHTS_FILE

from lipsync_core.contracts import Ready, Unavailable
from lipsync_core.machine import hardware, packages
from lipsync_core.registry import load_rows
from lipsync_core.registry.probing import context_for, probe
from lipsync_core.testing import lipsync


@pytest.fixture(autouse=True)
def plain_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU and all packages, whatever runs the tests."""
    here = replace(hardware.detect(), gpus=(), mps=False)
    monkeypatch.setattr(hardware, "detect", lambda: here)
    monkeypatch.setattr(packages, "installed", lambda module: True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Of the right name; its content does not matter to a probe."""
    path = tmp_path / WEIGHTS_FILE
    path.write_bytes(b"numbers")
    return path


def test_is_found_as_an_installed_plugin():
    row = next(row for row in load_rows({}) if row.name == "syncnet")
    assert (row.status, row.distribution) == ("ok", "lipsync-syncnet")
    assert set(row.specs) == {SYNCNET}
    assert pickle.loads(pickle.dumps(SYNCNET)) == SYNCNET


def test_without_its_file(home):
    home()
    told = probe(SYNCNET)
    assert isinstance(told, Unavailable)
    assert told.reason == "its weights are not here: syncnet_v2.model"
    assert "lipsync weights import FILE" in told.hint
    assert "download_model.sh of joonson/syncnet_python" in told.hint


def test_with_its_file(home, file: Path):
    home(file)
    assert probe(SYNCNET) == Ready(detail="syncnet_v2.model with torch in fp32 on cpu")


def test_the_file_in_the_layouts_of_others(home, file: Path):
    for layout in ("data", "checkpoints/auxiliary"):
        folder = home() / "weights" / "syncnet" / layout
        folder.mkdir(parents=True)
        file.rename(folder / WEIGHTS_FILE)
        assert isinstance(probe(SYNCNET), Ready)
        file = folder / WEIGHTS_FILE
    file.unlink()
    assert isinstance(probe(SYNCNET), Unavailable)


def test_without_torch(home, file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(packages, "installed", lambda module: module != "torch")
    home(file)
    told = probe(SYNCNET)
    assert isinstance(told, Unavailable)
    assert told.reason == "the package 'torch' is not installed"
    assert told.hint == 'pip install "torch>=2.6"'


def test_there_is_no_half_precision(home, file: Path):
    home(file)
    assert isinstance(probe(SYNCNET, context_for(SYNCNET, precision="fp32")), Ready)
    told = probe(SYNCNET, context_for(SYNCNET, precision="fp16"))
    assert isinstance(told, Unavailable)
    assert told.reason == "it does not compute in fp16"


def test_commercial_only_keeps_it_out():
    told = probe(SYNCNET, commercial_only=True)
    assert isinstance(told, Unavailable)
    assert "not stated" in told.reason


def test_the_download_is_imported_by_its_content_whatever_its_name(
    home, checkpoint, tmp_path: Path
):
    folder = home()
    download = tmp_path / "syncnet (1).pth"
    download.write_bytes(checkpoint.read_bytes())
    done = lipsync("weights", "import", download)
    assert done.returncode == 0, done.stderr
    assert (folder / "weights" / "syncnet" / WEIGHTS_FILE).is_file()
    assert isinstance(probe(SYNCNET), Ready)


def test_a_download_that_was_cut_short_is_not_imported(home, checkpoint: Path, tmp_path: Path):
    folder = home()
    download = tmp_path / WEIGHTS_FILE
    download.write_bytes(checkpoint.read_bytes()[:1_000_000])
    done = lipsync("weights", "import", download)
    assert done.returncode == 3
    assert WEIGHTS_FILE in done.stderr and "Traceback" not in done.stderr
    assert not (folder / "weights" / "syncnet" / WEIGHTS_FILE).exists()
