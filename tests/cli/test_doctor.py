"""`lipsync doctor`: the computer, the generators, and what is wrong."""

from __future__ import annotations

import builtins
import json
import sys
from dataclasses import replace
from pathlib import Path

import fakes
import pytest
from commandline import lipsync

from lipsync_core.cli import doctor
from lipsync_core.machine import hardware, packages
from lipsync_core.machine.hardware import Gpu
from lipsync_core.registry import PluginRow, Registry
from lipsync_core.specs import WeightFile


def test_what_this_computer_has():
    done = lipsync("doctor")
    assert done.returncode == 0
    for word in (
        "python",
        "cores",
        "libx264",
        "generator viseme: ready",
        "`lipsync run` works here",
    ):
        assert word in done.stdout
    told = json.loads(lipsync("doctor", "--json").stdout)
    assert told["would_run"] and told["opencv"]["state"].startswith("works")
    assert told["encoders"]["libx264"] is True and told["free_gib"] > 0


def test_broken_plugins_and_missing_weights_are_told(rows):
    spec = fakes.spec("needy", weights=(WeightFile(path="n.pth", origin="a page"),))
    good = PluginRow(name="fakes", specs=(spec,))
    bad = PluginRow(name="bad", status="broken", reason="it raises [x]", remedy="pip install x")
    rows(good, bad)
    out = lipsync("doctor").stdout
    assert "plugin bad: it raises [x]\n  pip install x" in out
    assert "generator needy: not ready - its weights are not here: n.pth" in out
    assert "lipsync weights import FILE" in out


def test_without_any_generator_it_fails(monkeypatch):
    monkeypatch.setattr("lipsync_core.registry._installed", lambda: Registry([]))
    done = lipsync("doctor")
    assert done.returncode == 4 and "`lipsync run` does not work here." in done.stdout


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"gpus": (Gpu(name="H100", memory=80 * 2**30),)}, "H100 (80.0 GiB)"),
        ({"mps": True}, "Apple (mps)"),
        ({"bf16": True}, "bf16 instructions"),
    ],
)
def test_other_computers(monkeypatch, change, told):
    here = replace(hardware.detect(), **change)
    monkeypatch.setattr(hardware, "detect", lambda: here)
    assert told in lipsync("doctor", columns=300).stdout


def without(monkeypatch, name: str, why: str) -> None:
    """Importing `name` fails."""
    real = builtins.__import__

    def guarded(module, *more, **others):
        if module == name:
            raise ImportError(why)
        return real(module, *more, **others)

    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(builtins, "__import__", guarded)


@pytest.mark.parametrize(
    ("why", "advice"),
    [
        ("libGL.so.1: cannot open shared object file", "apt-get install libgl1"),
        ("No module named 'cv2'", "pip install opencv-python"),
    ],
)
def test_an_opencv_that_does_not_import(monkeypatch, why: str, advice: str):
    without(monkeypatch, "cv2", why)
    told = doctor._opencv()
    assert told["state"] == "does not import" and told["problem"] == why
    assert advice in told["advice"]


def test_two_opencvs_overwrite_each_other(monkeypatch):
    monkeypatch.setattr(packages, "version", lambda name: "4.10" if "opencv" in name else "")
    assert "overwrite each other: pip uninstall -y opencv-python" in doctor._opencv()["advice"]


def test_without_av_there_are_no_encoders(monkeypatch):
    without(monkeypatch, "av", "No module named 'av'")
    assert not any(doctor._encoders().values())


def test_a_disk_that_cannot_be_asked(monkeypatch):
    def fails(path: Path):
        raise OSError("no")

    monkeypatch.setattr("shutil.disk_usage", fails)
    assert doctor._free() is None
