"""What the tests of the command line share: plugins of a test in the place of the installed ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from installed import install
from weights import plugin as weights_plugin

from lipsync_core import registry
from lipsync_core.registry import PluginRow, Registry, load_rows
from lipsync_core.testing import own_home as own_home

BUILTIN = [row for row in load_rows({"LIPSYNC_PLUGINS": "builtin"}) if row.name == "builtin"]


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Registry]:
    """Let the command line see the built-in plugins and these rows, and nothing else."""

    def use(*more: PluginRow) -> Registry:
        made = Registry([*BUILTIN, *more])
        monkeypatch.setattr(registry, "_installed", lambda: made)
        return made

    return use


@pytest.fixture
def weighty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_home) -> Iterator[None]:
    """The plugins of `weights.plugin`, installed, in an empty home."""
    own_home()
    source = Path(weights_plugin.__file__).read_text("utf-8")
    site = tmp_path / "site"
    install(site, "lipsync-weighty", {"lipsync_weighty.py": source}, entry="lipsync_weighty")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("LIPSYNC_PLUGINS", "builtin,weighty")
    registry._installed.cache_clear()  # a process loads its plugins once
    yield
    registry._installed.cache_clear()
