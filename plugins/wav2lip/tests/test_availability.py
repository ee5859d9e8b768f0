"""The probe says what would run, or what is missing; `open` follows it to the letter."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from lipsync_wav2lip import choice
from lipsync_wav2lip.generator import Wav2Lip
from lipsync_wav2lip.spec import EXPERT, PASTE, WAV2LIP

from lipsync_core.contracts import Ready, Unavailable
from lipsync_core.errors import PluginUnavailable, UsageError
from lipsync_core.machine import hardware, packages
from lipsync_core.networks.runtime import RuntimeChoice
from lipsync_core.registry import load_rows
from lipsync_core.registry.probing import context_for, probe


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Files of the right names; their content does not matter to a probe."""
    made = {}
    for name in ("wav2lip_gan.pth", "wav2lip.pth", "wav2lip_gan.onnx", "wav2lip.onnx"):
        made[name] = tmp_path / name
        made[name].write_bytes(name.encode())
    return made


@pytest.fixture(autouse=True)
def plain_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU without bf16, and all packages, whatever runs the tests."""
    monkeypatch.setattr(packages, "installed", lambda name: True)
    here = replace(hardware.detect(), bf16=False, gpus=(), mps=False)
    monkeypatch.setattr(hardware, "detect", lambda: here)


@pytest.fixture
def bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    here = replace(hardware.detect(), bf16=True)
    monkeypatch.setattr(hardware, "detect", lambda: here)


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(packages, "installed", lambda name: name not in names)


def answer(precision: str = "auto", **options: str) -> str:
    """The probe's words."""
    context = context_for(WAV2LIP, precision=precision, options=options)
    told = probe(WAV2LIP, context)
    plugin = Wav2Lip()
    if isinstance(told, Unavailable):
        with pytest.raises(PluginUnavailable) as error:
            plugin.open(context)
        assert error.value.message == f"Wav2Lip cannot run: {told.reason}."
        assert error.value.hint == told.hint
        return f"no: {told.reason} -> {told.hint}"
    assert isinstance(told, Ready)
    return told.detail


def test_is_found_as_an_installed_plugin():
    row = next(row for row in load_rows({}) if row.name == "wav2lip")
    assert (row.status, row.distribution) == ("ok", "lipsync-wav2lip")
    assert set(row.specs) == {WAV2LIP, PASTE, EXPERT}
    assert pickle.loads(pickle.dumps(WAV2LIP)) == WAV2LIP


def test_nothing_there(home):
    home()
    told = answer()
    assert told.startswith("no: its weights are not here: wav2lip_gan.pth or wav2lip.pth -> ")
    assert "lipsync weights import FILE" in told
    assert "Rudrabha/Wav2Lip" in told


def test_either_checkpoint_is_enough_and_a_wanted_one_is_asked_for(home, files):
    home(files["wav2lip.pth"])
    assert answer() == "wav2lip.pth with torch in fp32 on cpu"
    assert answer(checkpoint="plain") == answer()
    assert answer(checkpoint="gan").startswith("no: its weights are not here: wav2lip_gan.pth -> ")
    home(files["wav2lip_gan.pth"])
    assert answer() == "wav2lip_gan.pth with torch in fp32 on cpu"


def test_files_of_facefusion_are_known_by_their_names(home, files):
    home(**{"wav2lip_gan_96.onnx": files["wav2lip_gan.onnx"]})
    assert answer() == "wav2lip_gan_96.onnx with ONNX Runtime in fp32 on cpu"


def test_the_faster_runtime_of_those_that_are_there(home, files, bf16):
    home(files["wav2lip_gan.pth"], files["wav2lip_gan.onnx"])
    assert answer() == "wav2lip_gan.pth with torch in bf16 on cpu"
    assert answer("fp32") == "wav2lip_gan.onnx with ONNX Runtime in fp32 on cpu"
    assert answer(compat="true") == "wav2lip_gan.onnx with ONNX Runtime in fp32 on cpu"
    assert answer("fp32", runtime="torch") == "wav2lip_gan.pth with torch in fp32 on cpu"
    assert answer(runtime="onnx") == "wav2lip_gan.onnx with ONNX Runtime in fp32 on cpu"


def test_without_torch(home, files, monkeypatch):
    without(monkeypatch, "torch")
    home(files["wav2lip_gan.pth"])
    told = answer()
    assert "the package 'torch' is not installed, and there is no ONNX file" in told
    assert 'pip install "lipsync-wav2lip[runtime]"' in told
    told = answer(runtime="onnx")
    assert "there is no ONNX file of wav2lip_gan.pth, and to make one 'torch'" in told
    assert "lipsync weights export wav2lip --format onnx" in told
    home(files["wav2lip_gan.onnx"])
    assert answer() == "wav2lip_gan.onnx with ONNX Runtime in fp32 on cpu"
    told = answer("bf16")
    assert told.startswith(
        "no: the package 'torch' is not installed; its ONNX file computes in fp32"
    )
    assert "Or: Choose --precision fp32" in told


def test_an_export_is_made_where_it_is_asked_for(home, files, monkeypatch):
    home(files["wav2lip_gan.pth"])
    told = probe(WAV2LIP, context_for(WAV2LIP, options={"runtime": "onnx"}))
    assert isinstance(told, Ready)
    assert told.detail.endswith("made from wav2lip_gan.pth at first use")
    without(monkeypatch, "onnxscript")
    told = answer(runtime="onnx")
    assert "to make one 'onnxscript' is not installed" in told


@pytest.mark.parametrize(
    "precision, options, reason",
    [
        ("fp16", {}, "it does not compute in fp16 on a CPU"),
        ("bf16", {"runtime": "onnx"}, "its ONNX file computes in fp32, not in bf16"),
    ],
)
def test_what_does_not_go_together(home, files, precision: str, options: dict, reason: str):
    home(*files.values())
    assert answer(precision, **options).startswith(f"no: {reason} -> ")


@pytest.mark.parametrize("options", [{"checkpoint": "best"}, {"runtime": "tflite"}])
def test_choices(options: dict):
    with pytest.raises(UsageError, match=r"is not one of auto, "):
        context_for(WAV2LIP, options=options)


def test_a_torch_for_cpus_is_not_taken_for_a_gpu(home, files, monkeypatch):
    home(files["wav2lip_gan.pth"])
    context = replace(context_for(WAV2LIP), device="cuda")
    monkeypatch.setattr(packages, "version", lambda name: {"torch": "2.9.0+cpu"}.get(name, ""))
    told = choice.choose(context)
    assert isinstance(told, Unavailable)
    assert told.reason == "the torch that is installed here cannot use the GPU"
    monkeypatch.setattr(packages, "version", lambda name: {"torch": "2.9.0"}.get(name, ""))
    told = choice.choose(context)
    assert isinstance(told, RuntimeChoice)
    assert (told.runtime, told.precision) == ("torch", "fp16")


def test_commercial_only_keeps_it_out():
    told = probe(WAV2LIP, commercial_only=True)
    assert isinstance(told, Unavailable)
    assert "non-commercial" in told.reason
