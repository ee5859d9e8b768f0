"""The command line as a user has it: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys


def lipsync(*words, cwd=None, preexec=None, **env):
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "lipsync_core", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=120,
        env=os.environ | {"COLUMNS": "200", "NO_COLOR": "1"} | env,
        preexec_fn=preexec,
    )
