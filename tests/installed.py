"""Distributions that look installed: a folder for sys.path with modules and their dist-info."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[1]
PLUGINS = tuple(sorted(p.parent for p in (ROOT / "plugins").glob("*/pyproject.toml")))
"""Source folders of the plugins in this repository."""


def install(
    site: Path,
    name: str,
    files: Mapping[str, str],
    *,
    entry: str | None = None,
    point: str | None = None,
    entry_points: str | None = None,
    version: str = "1.0",
) -> None:
    """Put modules and a dist-info into `site`.

    Args:
        site: folder that will be on sys.path.
        name: distribution, "lipsync-x".
        files: path below `site` -> source.
        entry: value of the entry point ("module"); default: no entry point.
        point: its name; default: the distribution's without "lipsync-".
        entry_points: the whole entry_points.txt instead.
        version: of the distribution.
    """
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    for path, source in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(dedent(source))
    if entry is not None:
        entry_points = f"[lipsync]\n{point or name.removeprefix('lipsync-')} = {entry}\n"
    if entry_points is not None:
        (info / "entry_points.txt").write_text(entry_points)


def install_sources(site: Path, plugins: tuple[Path, ...] = PLUGINS) -> tuple[Path, ...]:
    """Let source folders look installed, as an editable installation does.

    Returns:
        The folders for sys.path.
    """
    for plugin in plugins:
        project = tomllib.loads((plugin / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        points = project["entry-points"]["lipsync"]
        text = "[lipsync]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        install(site, project["name"], {}, entry_points=text, version=project["version"])
    return (site, *plugins)


def run_python(
    *arguments: str, path: tuple[Path, ...] = (), home: Path | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter with `path` in front of the project, in a home folder of its own."""
    folders = os.pathsep.join(str(p) for p in (*path, ROOT))
    own = {"PYTHONPATH": folders, "COLUMNS": "200"}
    if home is not None:
        own |= {"LIPSYNC_HOME": str(home), "LIPSYNC_CACHE": str(home / "cache")}
    clean = {k: v for k, v in os.environ.items() if not k.endswith("_PLUGINS")}
    return subprocess.run(
        [sys.executable, *arguments],
        env=clean | own | env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def listed(*path: Path, **env: str) -> dict[str, dict[str, object]]:
    """`lipsync plugins list --json` with `path` on sys.path: plugin -> its row."""
    done = run_python("-m", "lipsync_core", "plugins", "list", "--json", path=path, **env)
    assert done.returncode == 0, done.stderr
    return {row["plugin"]: row for row in json.loads(done.stdout)}


PLUGIN = """
    from lipsync_core.hookspecs import hookimpl
    from lipsync_core.specs import BoxCrop, GeneratorSpec, Licence

    @hookimpl
    def lipsync_register_generators(register):
        register(
            GeneratorSpec(
                name="{name}",
                factory="{module}.generator:Mouth",
                summary="for tests",
                licence=Licence(code="MIT", weights="none needed", commercial=True),
                crop=BoxCrop(size=(96, 96)),
                audio_encoder="mel",
            )
        )
"""
"""A module with a good hook; format with `name` and `module`."""


def good(name: str) -> str:
    """Source of a plugin module that registers a generator called `name`."""
    return dedent(PLUGIN).format(name=name, module=f"lipsync_{name}")
