"""Whether networks can be compiled is told beforehand; they give the same, or one sentence."""

from __future__ import annotations

import shutil

import pytest

from lipsync_core.contracts import OpenContext, Unavailable
from lipsync_core.errors import OutOfMemory, PluginUnavailable
from lipsync_core.machine import packages
from lipsync_core.networks.compiling import compiled, unfit_compiler

torch = pytest.importorskip("torch")


def reason(device: str) -> str:
    told = unfit_compiler(OpenContext(device=device))
    assert isinstance(told, Unavailable)
    assert "Omit the option compile" in told.hint
    return told.reason


def test_what_is_missing_is_told(monkeypatch):
    assert "torch compiles nothing for mps" in reason("mps")
    monkeypatch.setattr(packages, "installed", lambda module: False)
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/g++")
    assert "'triton' is not installed" in reason("cuda:1")
    monkeypatch.setenv("CXX", "nobodys-compiler")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "there is no C++ compiler (nobodys-compiler)" in reason("cpu")


def test_header_files_are_looked_for(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/g++")
    monkeypatch.setattr("sysconfig.get_paths", lambda: {"include": str(tmp_path)})
    assert "header files of Python" in reason("cpu")
    (tmp_path / "Python.h").touch()
    assert unfit_compiler(OpenContext(device="cpu")) is None


def test_a_compiled_network_gives_the_same():
    told = unfit_compiler(OpenContext(device="cpu"))
    if told is not None:
        pytest.skip(told.reason)
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.GELU(), torch.nn.LayerNorm(8))
    x = torch.randn(3, 8)
    with torch.inference_mode():
        assert torch.allclose(compiled(network, "It")(x), network(x), atol=1e-5)


def test_failures_of_the_compiler_are_one_sentence(monkeypatch):
    class BackendCompilerFailed(Exception):
        """As torch's own."""

    BackendCompilerFailed.__module__ = "torch._dynamo.exc"

    def fail(with_: Exception):
        def quick(*words):
            raise with_

        monkeypatch.setattr(torch, "compile", lambda call: quick)
        return compiled(lambda x: x, "MuseTalk")

    with pytest.raises(PluginUnavailable, match=r"^MuseTalk cannot be compiled .*: no g\+\+$"):
        fail(BackendCompilerFailed("no g++\nand a page more"))(1)
    with pytest.raises(OutOfMemory):
        fail(OutOfMemory("full"))(1)
    with pytest.raises(ZeroDivisionError):
        fail(ZeroDivisionError())(1)
