"""Runs a command and says what it cost: CPU time of the whole process, wall time, peak memory.

Nothing heavy is imported here: on Linux a child's peak memory begins with what its parent held.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one process with its children: seconds of CPU (user + system), of wall clock, peak MB."""

    cpu: float
    wall: float
    peak_mb: float


def cost_of(command: Sequence[str], env: Mapping[str, str] | None = None) -> Cost:
    """Run `command` to its end.

    Raises:
        RuntimeError: it failed; its stderr is in the message.
    """
    begin = time.perf_counter()
    process = subprocess.Popen(
        list(command),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=dict(os.environ) | dict(env or {}),
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{said.decode(errors='replace')}")
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / unit)


def least(command: Sequence[str], times: int, env: Mapping[str, str] | None = None) -> Cost:
    """The least of each figure over several runs, after one that is not counted (files get warm)."""
    cost_of(command, env)
    runs = [cost_of(command, env) for _ in range(times)]
    return Cost(min(r.cpu for r in runs), min(r.wall for r in runs), min(r.peak_mb for r in runs))


def lipsync(*words: str) -> list[str]:
    """The command line of lipsync in this environment."""
    return [sys.executable, "-m", "lipsync_core", *words]


def hardware() -> dict[str, Any]:
    """What the figures were measured on, and how busy it was before."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": _cpu_name(),
        "cores": cores,
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "load_before": [round(v, 2) for v in os.getloadavg()] if hasattr(os, "getloadavg") else [],
    }


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
