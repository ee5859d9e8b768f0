"""LatentSync's networks in full size: a chunk of 16 frames by stages, and the memory it takes.

On a CPU a pass of the UNet is measured, in bf16 and fp32, and a chunk is told from it. On a GPU whole chunks
of 20 steps at 256 and 512 pixels, as they are and at their best. Needs lipsync-latentsync with its runtime,
3 GB of disk and, on a CPU, 12 GB of memory. Nothing else should be running.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import Cost, cost_of
from benchmarks.table import Setting, Table

NETWORKS = [sys.executable, "-m", "benchmarks.latentsync_networks"]
STEPS = 20
CPU_STEPS = 2
_GPU_CASES: dict[str, dict[str, Any]] = {
    "eager": {},
    "reuse 3": {"reuse": 3},
    "compiled": {"compile": True},
    "compiled, reuse 3": {"compile": True, "reuse": 3},
    "eager, no guidance": {"guidance": 1.0},
    "eager, tiled autoencoder": {"memory": "tiled"},
}


def run(setting: Setting) -> Table:
    """Measure."""
    table = Table(f"LatentSync in full size on {setting.device}: a chunk of 16 frames")
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        subprocess.run([*NETWORKS, "weights", name], check=True)
        if setting.device == "cpu":
            _cpu(home, table)
        else:
            _gpu(home, table, setting.device)
    return table


def _cpu(home: Path, table: Table) -> None:
    for precision in ("bf16", "fp32"):
        told, cost = _timed(home, device="cpu", side=256, precision=precision, steps=CPU_STEPS)
        for stage in ("load", "encode", "decode"):
            table.add(f"256, {precision}: {stage}", told[stage], "s")
        one = told["denoise"] / CPU_STEPS
        table.add(f"256, {precision}: one pass of the UNet", one, "s")
        rest = told["encode"] + told["decode"]
        table.add(f"256, {precision}: {STEPS} steps without guidance", rest + STEPS * one, "s")
        table.add(f"256, {precision}: {STEPS} steps with guidance", rest + 2 * STEPS * one, "s")
        table.add(f"256, {precision}: peak memory", cost.peak_mb, "MB")


def _gpu(home: Path, table: Table, device: str) -> None:
    for side in (256, 512):
        eager = 0.0
        for what, more in _GPU_CASES.items():
            case = {"guidance": 1.5, "rounds": 2} | more
            told, _ = _timed(home, device=device, side=side, precision="fp16", steps=STEPS, **case)
            whole = told["encode"] + told["denoise"] + told["decode"]
            eager = eager or whole
            table.add(f"{side}, {what}: chunk of {STEPS} steps", whole, "s")
            for stage in ("encode", "denoise", "decode"):
                table.add(f"{side}, {what}: {stage}", told[stage], "s")
            table.add(f"{side}, {what}: over eager", eager / whole, "x")
            table.add(f"{side}, {what}: peak memory of the GPU", told["gpu_mb"], "MB")


def _timed(home: Path, **case: Any) -> tuple[dict[str, float], Cost]:  # noqa: ANN401 - JSON
    out = home / "told.json"
    cost = cost_of([*NETWORKS, "time", str(home), str(out), json.dumps(case)])
    return json.loads(out.read_text("utf-8")), cost
