"""Start-up: the import, listing plugins, and the help, as whole processes with everything installed."""

from __future__ import annotations

import sys

from benchmarks.measure import least, lipsync
from benchmarks.table import Setting, Table

TIMES = 7


def run(setting: Setting) -> Table:
    """Measure; the least of several runs, as everything else only adds."""
    bare = least([sys.executable, "-c", "pass"], TIMES)
    core = least([sys.executable, "-c", "import lipsync_core"], TIMES)
    listed = least(lipsync("plugins", "list"), TIMES)
    table = Table(f"start-up: least of {TIMES} processes")
    table.add("python alone", bare.wall, "s")
    table.add("import lipsync_core, beyond that", max(0.0, core.wall - bare.wall), "s", "under 0.1")
    table.add("lipsync plugins list", listed.wall, "s", "under 0.4")
    table.add("lipsync plugins list, CPU", listed.cpu, "s")
    return table
