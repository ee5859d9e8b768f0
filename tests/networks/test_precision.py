"""Precisions: what is refused, and what "auto" means on a device. No torch is needed for that."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from lipsync_core.contracts import OpenContext
from lipsync_core.machine import hardware
from lipsync_core.networks.precision import precision_for, unfit_precision


def asked(precision: str, device: str = "cpu") -> OpenContext:
    return OpenContext(device=device, precision=precision)


@pytest.mark.parametrize("device", ["cpu", "cuda", "cuda:1", "mps"])
def test_what_fits_everywhere(device: str):
    for precision in ("auto", "fp32", "bf16"):
        assert unfit_precision(asked(precision, device)) is None


def test_fp16_fits_gpus_only():
    assert unfit_precision(asked("fp16", "cuda:1")) is None
    told = unfit_precision(asked("fp16"))
    assert told is not None
    assert told.reason == "it does not compute in fp16 on a CPU"
    assert told.hint == "Choose --precision fp32 or bf16."


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_what_nobody_knows_and_what_a_network_is_not_offered_in(device: str):
    told = unfit_precision(asked("int4", device))
    assert told is not None
    assert told.reason == "it does not compute in int4"
    told = unfit_precision(asked("fp16", device), ("fp32",))
    assert told is not None
    assert (told.reason, told.hint) == ("it does not compute in fp16", "Choose --precision fp32.")
    assert unfit_precision(asked("auto", device), ("fp32",)) is None


@pytest.mark.parametrize(
    "device, bf16, meant",
    [
        ("cuda:0", False, "fp16"),
        ("cpu", True, "bf16"),
        ("cpu", False, "fp32"),
        ("mps", True, "fp32"),
    ],
)
def test_what_auto_means(monkeypatch, device: str, bf16: bool, meant: str):
    here = replace(hardware.detect(), bf16=bf16)
    monkeypatch.setattr(hardware, "detect", lambda: here)
    assert precision_for(asked("auto", device)) == meant
    assert precision_for(asked("auto", device), exact=True) == "fp32"
    assert precision_for(asked("bf16", device), exact=True) == "bf16"


def test_no_torch_is_loaded_for_it():
    code = "import sys; import lipsync_core.networks.precision; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
