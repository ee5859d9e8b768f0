"""A pytest fixture: tests with weights, a cache and a hub cache of their own, for plugin authors too.

A plugin's whole `tests/conftest.py` may be:

    from lipsync_core.testing import own_folders as own_folders
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

_EMPTY = ("LIPSYNC_HOME", "HF_HOME")
_UNSET = ("LIPSYNC_CACHE", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")
"""Without them the caches are folders in the two above."""


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test below the conftest.py that imports this reads or fills the user's folders.

    LIPSYNC_HOME and HF_HOME name empty folders until the session ends, for the programs that tests start as
    well; LIPSYNC_CACHE, HF_HUB_CACHE and HUGGINGFACE_HUB_CACHE, which would lead out of them, are unset. A
    test that wants files there sets a LIPSYNC_HOME of its own with `monkeypatch.setenv`.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in _UNSET:
            patch.delenv(name, raising=False)
        for name in _EMPTY:
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        yield
