"""Several live sessions of one generator: frames that go through it together against one by one.

Needs lipsync-wav2lip and lipsync-synctalk2d with torch. Nothing else should be running.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import cost_of
from benchmarks.table import Setting, Table


def run(setting: Setting) -> Table:
    """Measure."""
    device = getattr(setting, "device", "cpu")
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "sessions.json"
        cost_of([sys.executable, "-m", "benchmarks.sessions_networks", device, str(out)])
        figures: dict[str, float] = json.loads(out.read_text("utf-8"))
    table = Table(f"sessions that share a generator on {device}")
    for what, value in figures.items():
        table.add(what, value, "frames/s")
        if what.endswith("together"):
            alone = figures[what.replace("together", "by itself")]
            table.add(what.replace("each frame together", "gain"), value / alone, "x")
    return table
