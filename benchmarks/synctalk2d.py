"""SyncTalk_2D's networks as lipsync runs them against fp32 as published, with random weights.

Needs lipsync-synctalk2d with torch. Nothing else should be running: two OpenMP threads beside other work take
several times as long. With trained weights the pictures of both ways may differ by more or less.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import cost_of
from benchmarks.table import Setting, Table

NETWORKS = [sys.executable, "-m", "benchmarks.synctalk2d_networks"]


def run(setting: Setting) -> Table:
    """Measure."""
    device = getattr(setting, "device", "cpu")
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "networks.json"
        cost = cost_of([*NETWORKS, device, str(out)])
        measured = json.loads(out.read_text("utf-8"))
    table = Table(f"SyncTalk_2D on {device}")
    figures, ours = measured["figures"], measured["precision"]
    for what, value in figures.items():
        table.add(what, value, "of 255" if "apart" in what else "frames/s")
    for what in [name for name in figures if "published" in name]:
        ratio = figures[what.replace("fp32 as published", ours)] / figures[what]
        target = "at least 3" if what.startswith("328, 1 ") else ""
        table.add(what.replace("fp32 as published", "lipsync over published"), ratio, "x", target)
    table.add("peak memory", cost.peak_mb, "MB")
    return table
