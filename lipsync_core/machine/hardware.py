"""What this computer has, found without loading torch: CPU, memory, GPUs."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Gpu", "Hardware", "detect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One CUDA device: name and total memory in bytes."""

    name: str
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What there is to run on.

    Attributes:
        cpu: name of the processor.
        cores: CPU cores this process may use.
        memory: total memory in bytes (0 when unknown).
        gpus: CUDA devices the driver reports.
        mps: an Apple GPU is there.
        bf16: the CPU has bf16 matrix or dot-product instructions.
    """

    cpu: str
    cores: int
    memory: int
    gpus: tuple[Gpu, ...]
    mps: bool
    bf16: bool

    @property
    def devices(self) -> tuple[str, ...]:
        """Device types present, best first."""
        return (*(("cuda",) if self.gpus else ()), *(("mps",) if self.mps else ()), "cpu")


@cache
def detect() -> Hardware:
    """Look once per process."""
    flags = _cpu_field("flags")
    return Hardware(
        cpu=_cpu_field("model name") or platform.processor() or platform.machine(),
        cores=_cores(),
        memory=_memory(),
        gpus=tuple(_gpus()),
        mps=sys.platform == "darwin" and platform.machine() == "arm64",
        bf16="amx_bf16" in flags or "avx512_bf16" in flags,
    )


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


def _cpu_field(name: str) -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() == name:
                    return value.strip()
    except OSError:
        pass
    return ""


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0


def _gpus() -> list[Gpu]:
    """Ask the CUDA driver itself; any refusal means that there is nothing to run on."""
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(name)
    except OSError:
        return []
    try:
        return _listed(driver)
    except AttributeError:  # a stub library without the functions
        return []


def _listed(driver: ctypes.CDLL) -> list[Gpu]:
    count = ctypes.c_int()
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return []
    found = []
    for index in range(count.value):
        device, total, label = ctypes.c_int(), ctypes.c_size_t(), ctypes.create_string_buffer(128)
        driver.cuDeviceGet(ctypes.byref(device), index)
        driver.cuDeviceGetName(label, len(label), device)
        driver.cuDeviceTotalMem_v2(ctypes.byref(total), device)
        found.append(Gpu(name=label.value.decode(errors="replace"), memory=total.value))
    return found
