"""What is installed is looked for and not imported."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from lipsync_core.machine import packages


def test_what_is_there_and_what_is_not():
    assert packages.installed("onnxruntime")
    assert packages.installed("importlib.metadata")
    assert not packages.installed("nobody_has_this")
    assert not packages.installed("importlib.nobody_has_this")
    assert not packages.installed("colorsys.child")  # a module without parts


def test_a_module_that_is_forbidden_or_blocked_counts_as_absent(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert not packages.installed("onnxruntime")

    class Nothing:
        def find_spec(self, name: str, path=None, target=None) -> ModuleSpec | None:
            if name == "wave":
                raise ModuleNotFoundError(name)
            return None

    monkeypatch.delitem(sys.modules, "wave", raising=False)
    assert packages.installed("wave")
    monkeypatch.setattr(sys, "meta_path", [Nothing(), *sys.meta_path])
    assert not packages.installed("wave")


def test_a_module_that_no_file_made_is_there(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "made_by_hand", ModuleType("made_by_hand"))
    assert packages.installed("made_by_hand")


def test_versions():
    assert packages.version("numpy")[0].isdecimal()
    assert packages.version("nobody-has-this") == ""
