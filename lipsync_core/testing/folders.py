"""Pytest fixtures: tests with weights, a cache and a hub cache of their own, for plugin authors too.

A plugin's whole `tests/conftest.py` may be:

    from lipsync_core.testing import own_folders as own_folders
    from lipsync_core.testing import own_home as own_home
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

_EMPTY = ("LIPSYNC_HOME", "HF_HOME")
_UNSET = ("LIPSYNC_CACHE", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")
"""Without them the caches are folders in the two above."""

OwnHome = Callable[..., Path]
"""`make(files={})`; see `own_home`."""


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep all tests below the importing conftest.py out of the user's folders.

    LIPSYNC_HOME and HF_HOME name empty folders until the session ends, for the programs that tests start as
    well; LIPSYNC_CACHE, HF_HUB_CACHE and HUGGINGFACE_HUB_CACHE, which would lead out of them, are unset. A
    test that wants files there takes `own_home`.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in _UNSET:
            patch.delenv(name, raising=False)
        for name in _EMPTY:
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        yield


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OwnHome:
    """This test's own LIPSYNC_HOME, empty; called, it puts weight files there and gives the folder.

    `own_home({"mymodel/net.pth": path})` puts a file into the weights folder of `mymodel`, in place of one
    that is there. Files are linked where that is possible: a test may delete them, but not write to them.
    """
    home = tmp_path / "home"
    monkeypatch.setenv("LIPSYNC_HOME", str(home))

    def make(files: Mapping[str, Path] | None = None) -> Path:
        for name, path in (files or {}).items():
            place = home / "weights" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            try:
                place.hardlink_to(path)
            except OSError:  # another file system
                shutil.copy(path, place)
        return home

    return make
