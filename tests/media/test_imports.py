"""Importing does nothing (pitfall 23)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_the_package_itself_loads_neither_ffmpeg_nor_opencv():
    program = "import sys, lipsync_core.media; print({'av', 'cv2', 'numpy'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stdout.strip() == "set()"
