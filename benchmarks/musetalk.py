"""MuseTalk's networks in lipsync's bf16 against fp32 as published, and a whole run, with random weights.

Needs lipsync-musetalk with torch and diffusers, 8 GB of disk and 6 GB of memory. Nothing else should be
running: two OpenMP threads beside other work take several times as long. The pictures of both precisions are
compared; with trained weights they may differ by more or less.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.clip import voice
from benchmarks.measure import cost_of, lipsync
from benchmarks.table import Setting, Table
from lipsync_core import samples

NETWORKS = [sys.executable, "-m", "benchmarks.musetalk_networks"]
STAGES = {"encode": "encode a face, once", "predict": "UNet", "decode": "decode"}


def run(setting: Setting) -> Table:
    """Measure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([*NETWORKS, "weights", str(folder)], check=True)
        times: dict[str, dict[str, float]] = {}
        peaks: dict[str, float] = {}
        for precision in ("fp32", "bf16"):
            out = folder / f"{precision}.npy"
            peaks[precision] = cost_of([*NETWORKS, precision, str(folder), str(out)]).peak_mb
            times[precision] = json.loads(out.with_suffix(".json").read_text("utf-8"))
        pictures = [np.load(folder / f"{p}.npy").astype(np.int64) for p in ("fp32", "bf16")]
        apart = np.abs(pictures[0] - pictures[1])
        out = folder / "out.mp4"
        target = setting.clip or samples.portrait()
        whole = cost_of(
            lipsync(
                *("run", str(target), str(voice(1)), "-o", str(out), "--quiet", "--strict"),
                *("--generator", "musetalk", "--still", "--silence", "generate"),
            ),
            {"LIPSYNC_HOME": str(folder), "LIPSYNC_CACHE": str(folder / "cache")},
        )
        report = json.loads(Path(f"{out}.report.json").read_text("utf-8"))
    table = Table("MuseTalk in full size")
    for stage, what in STAGES.items():
        for precision, told in times.items():
            table.add(f"{what}, {precision}", told[stage], "s a frame")
    speeds = {p: 1 / (t["predict"] + t["decode"]) for p, t in times.items()}
    for precision, speed in speeds.items():
        table.add(f"UNet and decoder, {precision}", speed, "frames/s")
        table.add(f"peak memory, {precision}", peaks[precision], "MB")
    table.add("bf16 over fp32", speeds["bf16"] / speeds["fp32"], "x", "at least 4")
    table.add("bf16 from fp32, most", float(apart.max()), "levels of 255")
    table.add("bf16 from fp32, mean", float(apart.mean()), "levels of 255")
    frames = report["output"]["frames"]
    for stage, told in report["stages"].items():
        table.add(f"run of {frames} frames: {stage}", told["seconds"], "s")
    table.add(f"run of {frames} frames: whole", whole.wall, "s")
    table.add("run: peak memory", whole.peak_mb, "MB")
    return table
