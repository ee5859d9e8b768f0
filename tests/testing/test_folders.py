"""`own_folders`: tests neither see nor fill the user's folders, and every plugin of ours has it."""

from __future__ import annotations

import re
from pathlib import Path

from installed import PLUGINS, ROOT, run_python

from lipsync_core.testing import write_skeleton

VARIABLES = ("LIPSYNC_HOME", "LIPSYNC_CACHE", "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")
CURIOUS = """
import os
from pathlib import Path

from lipsync_core.machine import places
from lipsync_core.weights import hub_cache

def test_folders():
    users = Path(os.environ["USERS"])
    for folder in (places.weights(), places.cache(), hub_cache.root()):
        assert users not in folder.parents, folder
        assert not folder.exists() or not any(folder.iterdir())
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "left by a test").write_text("")

def test_programs_that_tests_start():
    import subprocess, sys
    told = subprocess.run(
        [sys.executable, "-c", "from lipsync_core.machine import places; print(places.weights())"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()
    assert told == str(places.weights())
"""
EVERY_TEST = """
def pytest_collection_modifyitems(items):
    for item in items:
        print("OWN" if "own_folders" in item.fixturenames else "BARE", item.nodeid)
"""


def test_tests_neither_read_nor_fill_the_users_folders(tmp_path: Path):
    """The skeleton's conftest.py and a test that looks around, run by a user who has all folders set."""
    write_skeleton("mine", tmp_path / "mine")
    tests = tmp_path / "mine" / "tests"
    (tests / "test_mine.py").write_text(CURIOUS)
    users = tmp_path / "users"
    for name in VARIABLES:
        (users / name / "weights").mkdir(parents=True)
        (users / name / "weights" / "precious").write_text(name)
    before = sorted(users.rglob("*"))
    env = {name: str(users / name) for name in VARIABLES}
    words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp", str(tmp_path / "temp"))
    done = run_python(*words, str(tests), USERS=str(users), **env)
    assert done.returncode == 0, done.stdout
    assert sorted(users.rglob("*")) == before
    (tests / "conftest.py").unlink()
    done = run_python(*words, str(tests), USERS=str(users), **env)
    assert done.returncode == 1, "without it this test would not fail"


def test_every_test_of_every_plugin_has_it(tmp_path: Path):
    (tmp_path / "every_test.py").write_text(EVERY_TEST)
    folders = [str(plugin / "tests") for plugin in PLUGINS]
    done = run_python("-m", "pytest", "--collect-only", "-q", "-p", "every_test", "-p", "no:cacheprovider",
                      f"--rootdir={ROOT}", *folders, path=(tmp_path,), home=tmp_path / "home")  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert not re.findall(r"^BARE .*", done.stdout, re.MULTILINE)
    with_it = re.findall(r"^OWN plugins/(\w+)/", done.stdout, re.MULTILINE)
    assert set(with_it) == {plugin.name for plugin in PLUGINS}
