"""Start-up: the import, listing plugins and the help, as whole processes with everything installed.

Seconds depend on the machine; the ratios to importing typer and rich, which every command does, hardly do.
"""

from __future__ import annotations

import sys

from benchmarks.measure import least, lipsync
from benchmarks.table import Setting, Table

TIMES = 9
BASE = "import typer, rich.table, rich.console"
VERBS = {("plugins", "list"): "at most 2.5", ("--help",): "at most 2", ("--version",): ""}
"""Words -> how many times the CPU time of `BASE` they may take."""


def run(setting: Setting) -> Table:
    """Measure; the least of several runs, as everything else only adds."""
    bare = least([sys.executable, "-c", "pass"], TIMES)
    core = least([sys.executable, "-c", "import lipsync_core"], TIMES)
    base = least([sys.executable, "-c", BASE], TIMES)
    table = Table(f"start-up: least of {TIMES} processes")
    table.add("python alone", bare.wall, "s")
    table.add("import lipsync_core, beyond that", max(0.0, core.wall - bare.wall), "s", "under 0.1")
    table.add("typer and rich alone, CPU", base.cpu, "s")
    for words, limit in VERBS.items():
        cost = least(lipsync(*words), TIMES)
        name = f"lipsync {' '.join(words)}"
        table.add(name, cost.wall, "s")
        table.add(f"{name}, CPU", cost.cpu, "s")
        table.add(f"{name}, CPU of typer and rich", cost.cpu / base.cpu, "times", limit)
    return table
