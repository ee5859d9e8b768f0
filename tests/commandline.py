"""The command line as a user has it: in a process of its own, or quickly in this one."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import chdir
from io import StringIO
from unittest.mock import patch

from lipsync_core.cli import console
from lipsync_core.testing import runs


def lipsync(*words, cwd=None, preexec=None, columns=200, stdin="", **env):
    """Run the command line in this process, on consoles of that width, with something to read.

    With `preexec` in a process of its own, see `lipsync_process`.
    """
    if preexec is not None:
        return lipsync_process(*words, cwd=cwd, preexec=preexec, **env)
    with (
        chdir(cwd or "."),
        patch.object(console.stdout, "_width", columns),
        patch.object(console.stderr, "_width", columns),
        patch.object(sys, "stdin", StringIO(stdin)),
    ):
        return runs.lipsync(*words, **({"COLUMNS": str(columns), "NO_COLOR": "1"} | env))


def lipsync_process(*words, cwd=None, preexec=None, **env):
    """Run the command line in a process of its own; with `preexec`, which may forbid files, unmeasured."""
    ours = {k: v for k, v in os.environ.items() if preexec is None or k[:9] != "COVERAGE_"}
    return subprocess.run(
        [sys.executable, "-m", "lipsync_core", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=120,
        env=ours | {"COLUMNS": "200", "NO_COLOR": "1"} | env,
        preexec_fn=preexec,
    )
