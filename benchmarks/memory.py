"""Peak memory of ten minutes against one minute: it must not grow with length.

Not among the defaults: it takes as long as the main job takes for eleven minutes.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.clip import clip, voice
from benchmarks.measure import Cost, cost_of, lipsync
from benchmarks.table import Setting, Table

SHORT, LONG = 60, 600


def run(setting: Setting) -> Table:
    """Measure; always on the made clips, as it needs two lengths."""
    short, long = _cost(SHORT), _cost(LONG)
    table = Table(f"memory: {LONG} s against {SHORT} s of 720p, with detection")
    table.add(f"peak, {SHORT} s", short.peak_mb, "MB", "under 700")
    table.add(f"peak, {LONG} s", long.peak_mb, "MB", "under 700")
    table.add("long over short", long.peak_mb / short.peak_mb, "x", "at most 1.1")
    table.add(f"CPU, {LONG} s", long.cpu, "s")
    table.add(f"speed, {LONG} s", LONG / long.wall, "x real time", "at least 1.5")
    return table


def _cost(seconds: int) -> Cost:
    with tempfile.TemporaryDirectory() as name:
        out = str(Path(name) / "o.mp4")
        job = lipsync("run", str(clip(seconds)), str(voice(seconds)), "-o", out, "--quiet")
        return cost_of(job, {"LIPSYNC_CACHE": str(Path(name) / "cache")})
