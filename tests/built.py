"""Builds a plugin's wheel as a user's pip would, and unpacks it as if installed."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


def build_and_unpack(project: Path, site: Path) -> list[str]:
    """Wheel of `project` into `site`, with its dist-info.

    Returns:
        The wheel's files.
    """
    pytest.importorskip("hatchling")
    site.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "hatchling",
            "build",
            "-t",
            "wheel",
            "-d",
            str(site.parent / "dist"),
        ],
        cwd=project,
        check=True,
        capture_output=True,
        timeout=60,
    )
    wheel = next((site.parent / "dist").glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
        return archive.namelist()
