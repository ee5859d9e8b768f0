"""MuseTalk's networks as lipsync runs them against fp32 as published, and whole runs, with random weights.

Needs lipsync-musetalk with torch and diffusers, 8 GB of disk and 6 GB of memory. Nothing else should be
running: two OpenMP threads beside other work take several times as long. The pictures of both ways are
compared; with trained weights they may differ by more or less.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.clip import clip, voice
from benchmarks.measure import cost_of, lipsync
from benchmarks.table import Setting, Table
from lipsync_core import samples

NETWORKS = [sys.executable, "-m", "benchmarks.musetalk_networks"]
STAGES = {"encode": "encode a face, once", "predict": "UNet", "decode": "decode"}
FRAMES = {"cpu": (4,), "cuda": (1, 8, 32, 64)}
"""At a time. On a CPU the original's 8 takes as long a frame as 4, and twice as long to wait for."""
QUICK = {"cpu": "bf16", "cuda": "fp16"}
SECONDS = {"cpu": 1, "cuda": 10}
"""Of the voice of a whole run."""


def run(setting: Setting) -> Table:
    """Measure."""
    table = Table(f"MuseTalk in full size on {setting.device}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([*NETWORKS, "weights", str(folder)], check=True)
        for frames in FRAMES[setting.device]:
            _networks(table, folder, setting.device, frames)
        _runs(table, folder, setting)
    return table


def _networks(table: Table, folder: Path, device: str, frames: int) -> None:
    """Both ways, so many frames at a time."""
    ways = ("plain", QUICK[device])
    times: dict[str, dict[str, float]] = {}
    made = []
    for way in ways:
        out = folder / f"{way}.npy"
        cost = cost_of([*NETWORKS, way, str(folder), str(out), device, str(frames)])
        times[way] = json.loads(out.with_suffix(".json").read_text("utf-8"))
        made.append(np.load(out).astype(np.int64))
        told = "fp32 as published" if way == "plain" else way
        for stage, what in STAGES.items():
            table.add(f"{frames} at a time, {what}, {told}", times[way][stage], "s a frame")
        table.add(f"{frames} at a time, peak memory, {told}", cost.peak_mb, "MB")
        speed = 1 / (times[way]["predict"] + times[way]["decode"])
        table.add(f"{frames} at a time, UNet and decoder, {told}", speed, "frames/s")
    plain, quick = (times[way]["predict"] + times[way]["decode"] for way in ways)
    table.add(f"{frames} at a time, {ways[1]} over published", plain / quick, "x", "at least 4")
    apart = np.abs(made[0] - made[1])
    table.add(f"{frames} at a time, levels apart, most", float(apart.max()), "of 255")
    table.add(f"{frames} at a time, levels apart, mean", float(apart.mean()), "of 255")


def _runs(table: Table, folder: Path, setting: Setting) -> None:
    """Whole runs: on a CPU with a still picture, on a GPU with a clip of 720p, also prepared before."""
    seconds, gpu = SECONDS[setting.device], setting.device == "cuda"
    target = setting.clip or (clip(seconds) if gpu else samples.portrait())
    where = ("--generator", "musetalk", "--device", setting.device)
    home = {"LIPSYNC_HOME": str(folder), "LIPSYNC_CACHE": str(folder / "cache")}
    for turn in ("first", "prepared") if gpu else ("first",):
        if turn == "prepared":
            cost = cost_of(lipsync("prepare", str(target), "--quiet", *where), home)
            table.add("prepare", cost.wall, "s")
        out = folder / f"{turn}.mp4"
        whole = cost_of(
            lipsync(
                *("run", str(target), str(voice(seconds)), "-o", str(out), "--quiet", "--strict"),
                *(*where, "--still", "--silence", "generate"),
            ),
            home,
        )
        report = json.loads(Path(f"{out}.report.json").read_text("utf-8"))
        frames = report["output"]["frames"]
        name = f"{turn} run of {frames} frames"
        for stage, told in report["stages"].items():
            table.add(f"{name}: {stage}", told["seconds"], "s")
        table.add(f"{name}: whole", whole.wall, "s")
        table.add(f"{name}: speed", frames / whole.wall, "frames/s")
        table.add(f"{name}: peak memory", whole.peak_mb, "MB")
