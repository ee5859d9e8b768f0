"""For plugin authors: the contract tests, folders and whole runs for tests, and the skeleton of a new plugin.

`lipsync plugins check NAME` runs the contract from the command line, `contract_tests(NAME)` under pytest;
there `own_folders` keeps tests out of the user's folders, `own_home` gives one its weight files, and `talk`
makes a short video. Nothing here is imported by a run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lipsync_core.conformance.check import Result, check_spec
    from lipsync_core.conformance.skeleton import write_skeleton
    from lipsync_core.testing.folders import OwnHome, own_folders, own_home
    from lipsync_core.testing.parity import Parity
    from lipsync_core.testing.pytest_cases import contract_tests
    from lipsync_core.testing.runs import (
        Changed,
        Talk,
        changed,
        frames_of,
        lipsync,
        talk,
        write_voice,
    )

_HOME = {
    "Changed": "lipsync_core.testing.runs",
    "OwnHome": "lipsync_core.testing.folders",
    "Parity": "lipsync_core.testing.parity",
    "Result": "lipsync_core.conformance.check",
    "Talk": "lipsync_core.testing.runs",
    "changed": "lipsync_core.testing.runs",
    "check_spec": "lipsync_core.conformance.check",
    "contract_tests": "lipsync_core.testing.pytest_cases",
    "frames_of": "lipsync_core.testing.runs",
    "lipsync": "lipsync_core.testing.runs",
    "own_folders": "lipsync_core.testing.folders",
    "own_home": "lipsync_core.testing.folders",
    "talk": "lipsync_core.testing.runs",
    "write_skeleton": "lipsync_core.conformance.skeleton",
    "write_voice": "lipsync_core.testing.runs",
}

__all__ = [
    "Changed",
    "OwnHome",
    "Parity",
    "Result",
    "Talk",
    "changed",
    "check_spec",
    "contract_tests",
    "frames_of",
    "lipsync",
    "own_folders",
    "own_home",
    "talk",
    "write_skeleton",
    "write_voice",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562: the type is the attribute's own
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
