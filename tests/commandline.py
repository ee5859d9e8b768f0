"""The command line as a user has it: in a process of its own, or quickly in this one."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from lipsync_core.cli import console, main


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


def lipsync_here(*words, cwd=None, columns=200, stdin="", **env):
    """Run the command line in this process; what it gives is read like that of `lipsync`."""
    given, out, err = list(map(str, words)), StringIO(), StringIO()
    console.stdout.width = console.stderr.width = columns
    with (
        chdir(cwd or Path.cwd()),
        patch.dict(os.environ, {"COLUMNS": str(columns), "NO_COLOR": "1"} | env),
        patch.object(sys, "stdin", StringIO(stdin)),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main(given)
            code = 0
        except SystemExit as end:
            code = end.code or 0
    return subprocess.CompletedProcess(given, code, out.getvalue(), err.getvalue())
