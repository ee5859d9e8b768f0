"""For plugin authors: the contract tests, folders for tests, and the skeleton of a new plugin.

`lipsync plugins check NAME` runs the contract from the command line, `contract_tests(NAME)` under pytest;
there `own_folders` keeps tests out of the user's folders. Nothing here is imported by a run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lipsync_core.testing.check import Result, check_spec
    from lipsync_core.testing.folders import own_folders
    from lipsync_core.testing.parity import Parity
    from lipsync_core.testing.pytest_cases import contract_tests
    from lipsync_core.testing.skeleton import write_skeleton

_HOME = {
    "Parity": "lipsync_core.testing.parity",
    "Result": "lipsync_core.testing.check",
    "check_spec": "lipsync_core.testing.check",
    "contract_tests": "lipsync_core.testing.pytest_cases",
    "own_folders": "lipsync_core.testing.folders",
    "write_skeleton": "lipsync_core.testing.skeleton",
}

__all__ = ["Parity", "Result", "check_spec", "contract_tests", "own_folders", "write_skeleton"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562: the type is the attribute's own
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
