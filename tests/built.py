"""Builds a plugin's wheel as a user's pip would, and unpacks it as if installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

from installed import install_sources


def build_and_unpack(project: Path, site: Path) -> list[str]:
    """Wheel of `project` into `site`, with its dist-info (where hatchling is; else its sources).

    Returns:
        The wheel's files.
    """
    site.mkdir(parents=True, exist_ok=True)
    if (
        find_spec("hatchling") is None
    ):  # no build tools here: the sources, and the entry point they declare
        install_sources(site, (project,))
        shutil.copytree(project, site, dirs_exist_ok=True)
        return [str(path.relative_to(site)) for path in site.rglob("*")]
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
