"""A computer with its own store and caches, a hub beside it, and plugins that want weights."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from installed import install
from weights import plugin as weights_plugin
from weights.hubserver import Hub, serve

from lipsync_core import registry
from lipsync_core.testing import runs


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """LIPSYNC_HOME; nothing of the user's, nothing beyond this machine."""
    folder = tmp_path / "home"
    monkeypatch.setenv("LIPSYNC_HOME", str(folder))
    monkeypatch.delenv("LIPSYNC_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serve() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        yield running


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The plugins of `weights.plugin`, installed."""
    site = tmp_path / "site"
    source = Path(weights_plugin.__file__).read_text("utf-8")
    install(site, "lipsync-weighty", {"lipsync_weighty.py": source}, entry="lipsync_weighty")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("LIPSYNC_PLUGINS", "builtin,weighty")
    registry._installed.cache_clear()  # a process loads its plugins once
    yield site
    registry._installed.cache_clear()


@pytest.fixture
def lipsync(plugins: Path) -> Callable:
    """Run the command line here: (exit code, stdout, stderr)."""

    def run(*words: object) -> tuple[int, str, str]:
        done = runs.lipsync(*words)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def program(plugins: Path) -> Callable[..., subprocess.Popen]:
    """The command line in a process of its own, which can be killed."""

    def start(*words: object, **env: str) -> subprocess.Popen:
        path = os.pathsep.join([str(plugins), *sys.path])
        return subprocess.Popen(
            [sys.executable, "-m", "lipsync_core", *map(str, words)],
            env=os.environ | {"PYTHONPATH": path, "NO_COLOR": "1"} | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start
