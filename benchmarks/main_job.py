"""The main job against plain decoding and encoding: CPU time, speed, memory.

One minute of 720p with one face through the embedded default, once with an empty cache (so that finding the
faces is included) and once with the analysis cached; before and after, the same file is decoded and encoded
by PyAV alone with the same encoder settings. Once more with `--isolate viseme`. Ratios are of CPU time
(user + system of the whole process, start included), so they stand on a busy machine as well; speed is wall
clock and does not.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.clip import clip, seconds_of, voice
from benchmarks.measure import cost_of, lipsync
from benchmarks.table import Setting, Table

SECONDS = 60


def run(setting: Setting) -> Table:
    """Measure."""
    target = setting.clip or clip(SECONDS)
    length = SECONDS if setting.clip is None else seconds_of(target)
    sound = voice(max(1, int(length)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env = {"LIPSYNC_CACHE": str(folder / "cache")}
        plain = [sys.executable, "-m", "benchmarks.baseline", str(target), str(folder / "b.mp4")]
        job = lipsync("run", str(target), str(sound), "-o", str(folder / "o.mp4"), "--quiet")
        before = cost_of(plain)
        cold = cost_of(job, env)
        warm = cost_of(job, env)
        apart = cost_of([*job, "--isolate", "viseme"], env)
        after = cost_of(plain)
    base = (before.cpu + after.cpu) / 2
    table = Table(f"main job: {length:g} s of {target.name}, viseme")
    table.add("CPU, decode + encode alone", base, "s")
    table.add("CPU, alone, second over first", after.cpu / before.cpu, "x")
    table.add("CPU, job with detection", cold.cpu, "s")
    table.add("CPU, job with cached faces", warm.cpu, "s")
    table.add("CPU, cached, in its own process", apart.cpu, "s")
    table.add("ratio, with detection", cold.cpu / base, "x", "at most 2.0")
    table.add("ratio, cached faces", warm.cpu / base, "x", "at most 2.0")
    table.add("speed, with detection", length / cold.wall, "x real time", "at least 1.5")
    table.add("speed, cached faces", length / warm.wall, "x real time", "at least 1.5")
    table.add("speed, cached, in its own process", length / apart.wall, "x real time")
    table.add("speed, decode + encode alone", length / before.wall, "x real time")
    table.add("peak memory", max(cold.peak_mb, warm.peak_mb), "MB", "under 700")
    return table
