"""Torch or ONNX Runtime: every combination of what is asked for, installed and on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lipsync_core.contracts import OpenContext, Unavailable
from lipsync_core.errors import PluginUnavailable, UsageError
from lipsync_core.machine import hardware, packages
from lipsync_core.networks import exported
from lipsync_core.networks.runtime import (
    EXPORT_PACKAGES,
    Exportable,
    RuntimeChoice,
    choose_runtime,
    export_folder,
)


@pytest.fixture(autouse=True)
def plain_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU without bf16 on which everything is installed."""
    without(monkeypatch)
    here = replace(hardware.detect(), bf16=False, gpus=(), mps=False)
    monkeypatch.setattr(hardware, "detect", lambda: here)


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(packages, "installed", lambda name: name not in names)


@pytest.fixture
def network(tmp_path: Path) -> Exportable:
    checkpoint = tmp_path / "net.pth"
    checkpoint.write_bytes(b"weights")
    return Exportable(
        plugin="demo", distribution="lipsync-demo", stem="net", title="net.pth",
        checkpoint=checkpoint, remedy="lipsync weights pull demo",
    )  # fmt: skip


def context(tmp_path: Path, runtime: str = "auto", **more: object) -> OpenContext:
    options = {"runtime": runtime, "compat": bool(more.pop("compat", False))}
    return replace(OpenContext(cache=tmp_path / "cache", options=options), **more)  # type: ignore[arg-type]


def export(network: Exportable, tmp_path: Path) -> Path:
    assert network.checkpoint is not None
    made = exported.path_for(tmp_path / "cache", network.stem, network.checkpoint)
    made.parent.mkdir()
    made.write_bytes(b"onnx")
    return made


def told(choice: RuntimeChoice | Unavailable) -> str:
    if isinstance(choice, Unavailable):
        return f"no: {choice.reason} -> {choice.hint}"
    return f"{choice.runtime} {choice.precision} {choice.file.suffix}" + " new" * choice.missing


@pytest.mark.parametrize(
    ("asked", "torch", "is_exported", "expected"),
    [
        ("auto", True, False, "torch fp32 .pth"),
        ("auto", True, True, "torch fp32 .pth"),
        ("auto", False, True, "onnx fp32 .onnx"),
        (
            "auto",
            False,
            False,
            "no: the package 'torch' is not installed, and there is no ONNX file",
        ),
        ("torch", True, True, "torch fp32 .pth"),
        ("torch", False, True, "no: the package 'torch' is not installed -> "),
        ("onnx", True, True, "onnx fp32 .onnx"),
        ("onnx", True, False, "onnx fp32 .onnx new"),
        ("onnx", False, True, "onnx fp32 .onnx"),
        (
            "onnx",
            False,
            False,
            "no: there is no ONNX file of net.pth, and to make one 'torch' is not",
        ),
    ],
)
def test_every_combination(
    tmp_path: Path, network: Exportable, monkeypatch, asked, torch, is_exported, expected
):
    if not torch:
        without(monkeypatch, "torch")
    if is_exported:
        export(network, tmp_path)
    answer = told(choose_runtime(context(tmp_path, asked), network))
    assert answer.startswith(expected)
    if answer.startswith("no"):
        assert "lipsync-demo[" in answer


def test_an_existing_export_may_be_preferred_on_a_cpu(tmp_path: Path, network: Exportable):
    network = replace(network, onnx_on_cpu=True)
    assert told(choose_runtime(context(tmp_path), network)) == "torch fp32 .pth"
    export(network, tmp_path)
    assert told(choose_runtime(context(tmp_path), network)) == "onnx fp32 .onnx"
    half = context(tmp_path, precision="bf16")
    assert told(choose_runtime(half, network)) == "torch bf16 .pth"


def test_precision(tmp_path: Path, network: Exportable):
    asked = context(tmp_path, precision="fp16")
    assert "does not compute in fp16 on a CPU" in told(choose_runtime(asked, network))
    asked = context(tmp_path, "onnx", precision="bf16")
    assert "computes in fp32, not in bf16" in told(choose_runtime(asked, network))
    assert "demo.runtime=torch" in told(choose_runtime(asked, network))
    always_fp32 = replace(network, half=False)
    assert told(choose_runtime(asked, always_fp32)) == "onnx fp32 .onnx new"
    asked = context(tmp_path, precision="bf16")
    assert told(choose_runtime(asked, always_fp32)) == "torch fp32 .pth"


def test_compat_is_exact(tmp_path: Path, network: Exportable, monkeypatch: pytest.MonkeyPatch):
    here = replace(hardware.detect(), bf16=True)
    monkeypatch.setattr(hardware, "detect", lambda: here)
    assert told(choose_runtime(context(tmp_path), network)) == "torch bf16 .pth"
    assert told(choose_runtime(context(tmp_path, compat=True), network)) == "torch fp32 .pth"


def test_a_model_of_the_users_without_a_checkpoint(tmp_path: Path, network: Exportable):
    own = replace(network, checkpoint=None, model=tmp_path / "net.onnx")
    assert told(choose_runtime(context(tmp_path), own)) == "onnx fp32 .onnx"
    answer = told(choose_runtime(context(tmp_path, "torch"), own))
    assert "torch cannot read the ONNX file" in answer
    assert "lipsync weights pull demo" in answer


def test_an_unreadable_checkpoint_is_named(tmp_path: Path, network: Exportable):
    gone = replace(network, checkpoint=tmp_path / "gone.pth")
    answer = told(choose_runtime(context(tmp_path, "onnx"), gone))
    assert "gone.pth cannot be read: No such file" in answer


def test_without_a_cache_folder_nothing_is_exported(tmp_path: Path, network: Exportable):
    bare = context(tmp_path, "onnx", cache=None)
    assert "there is no cache folder" in told(choose_runtime(bare, network))
    with pytest.raises(UsageError, match="no cache folder"):
        export_folder(bare, "onnx", "Demo", network)


def test_what_an_exporter_needs(tmp_path: Path, network: Exportable, monkeypatch):
    here = context(tmp_path)
    assert export_folder(here, "onnx", "Demo", network) == tmp_path / "cache"
    with pytest.raises(UsageError, match="Demo cannot be exported as tensorrt"):
        export_folder(here, "tensorrt", "Demo", network)
    with pytest.raises(PluginUnavailable, match=r"no checkpoint of Demo to export \(net\.pth\)"):
        export_folder(here, "onnx", "Demo", replace(network, checkpoint=None))
    without(monkeypatch, *EXPORT_PACKAGES)
    with pytest.raises(PluginUnavailable, match="torch, onnx, onnxscript") as error:
        export_folder(here, "onnx", "Demo", network)
    assert error.value.hint == 'pip install "lipsync-demo[export]"'
