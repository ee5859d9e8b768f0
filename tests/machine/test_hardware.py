"""What the computer has, also where the driver is a stub or refuses."""

from __future__ import annotations

import os

import pytest

from lipsync_core.machine import hardware
from lipsync_core.machine.hardware import Gpu, Hardware


def test_this_computer():
    here = hardware.detect()
    assert here.cores == len(os.sched_getaffinity(0))
    assert here.memory > 2**28
    assert here.devices[-1] == "cpu"
    assert hardware.detect() is here


def test_devices_best_first():
    both = Hardware(
        cpu="", cores=1, memory=0, gpus=(Gpu(name="G", memory=1),), mps=True, bf16=False
    )
    assert both.devices == ("cuda", "mps", "cpu")


class Driver:
    """A CUDA driver with two devices."""

    def __init__(self, refuses: int = 0) -> None:
        self.refuses = refuses

    def cuInit(self, flags):
        return self.refuses

    def cuDeviceGetCount(self, count):
        count._obj.value = 2
        return 0

    def cuDeviceGet(self, device, index):
        device._obj.value = index
        return 0

    def cuDeviceGetName(self, label, length, device):
        label.value = b"Fast %d" % device.value
        return 0

    def cuDeviceTotalMem_v2(self, total, device):
        total._obj.value = (device.value + 1) * 2**30
        return 0


def test_gpus_as_the_driver_tells(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hardware.ctypes, "CDLL", lambda name: Driver())
    assert hardware._gpus() == [Gpu(name="Fast 0", memory=2**30), Gpu(name="Fast 1", memory=2**31)]


@pytest.mark.parametrize("driver", [Driver(refuses=100), object()], ids=["refuses", "stub"])
def test_a_driver_that_is_of_no_use(monkeypatch: pytest.MonkeyPatch, driver: object):
    monkeypatch.setattr(hardware.ctypes, "CDLL", lambda name: driver)
    assert hardware._gpus() == []


def test_no_driver(monkeypatch: pytest.MonkeyPatch):
    def absent(name):
        raise OSError(name)

    monkeypatch.setattr(hardware.ctypes, "CDLL", absent)
    assert hardware._gpus() == []
