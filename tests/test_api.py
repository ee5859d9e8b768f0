"""Plugins use the public modules of the core, and of these only the names in `__all__`."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from docs.public_names import described
from lipsync_core.api import PUBLIC

ROOT = Path(__file__).parents[1]
MODULES = [module for group in PUBLIC.values() for module in group]
USERS = sorted(
    path
    for folder in ("plugins", "examples")
    for path in (ROOT / folder).rglob("*.py")
    if "build" not in path.parts
)


def is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def used(source: str) -> Iterator[tuple[str, str]]:
    """Module of the core and name in it, for each use in a file; name "" for a module as a whole."""
    tree = ast.parse(source)
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "lipsync_core":
                    yield alias.name, ""
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lipsync_core"):
            assert node.module
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if is_module(whole) and alias.name not in import_module(node.module).__dict__.get(
                    "__all__", ()
                ):
                    modules[alias.asname or alias.name] = whole
                    yield whole, ""
                else:
                    yield node.module, alias.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = modules.get(node.value.id)
            if module is not None:
                yield module, node.attr


def strange(source: str) -> list[str]:
    """What of a file's uses is not public."""
    found = []
    for module, name in used(source):
        if module not in MODULES:
            found.append(module)
        elif name and name not in ("__file__", *import_module(module).__all__):
            found.append(f"{module}.{name}")
    return found


@pytest.mark.parametrize("path", USERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_plugins_use_public_names_only(path: Path):
    assert strange(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("from lipsync_core.contracts import Generator", []),
        ("from lipsync_core.weights import state_dict\nstate_dict.read(1)", []),
        ("from lipsync_core.weights import state_dict as s\ns.os", ["lipsync_core.weights.state_dict.os"]),
        ("from lipsync_core.contracts import field", ["lipsync_core.contracts.field"]),
        ("from lipsync_core.engine.run import run", ["lipsync_core.engine.run"]),
        ("from lipsync_core.targets import analysis", ["lipsync_core.targets.analysis"]),
        ("import lipsync_core.engine", ["lipsync_core.engine"]),
    ],
)  # fmt: skip
def test_what_is_not_public_is_found(source: str, told: list[str]):
    assert strange(source) == told


@pytest.mark.parametrize("module", MODULES)
def test_public_names_exist_and_are_documented(module: str):
    loaded = import_module(module)
    assert loaded.__doc__
    # Names for annotations exist for type checkers only, but must be documented all the same.
    for name in loaded.__all__:
        assert hasattr(loaded, name), name
        assert described(module, name), f"{module}.{name} has no docstring"


def test_the_table_loads_nothing_heavy():
    code = "import sys, lipsync_core.api; print([m for m in ('numpy','torch','cv2') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
