"""One engine, many lip-sync models.

Importing this package loads no model, no torch, no cv2 and no plugin; names are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lipsync_core._version import __version__

if TYPE_CHECKING:
    from lipsync_core.engine.hosts.pool import Pool
    from lipsync_core.engine.live.session import Session
    from lipsync_core.engine.run import run
    from lipsync_core.hookspecs import hookimpl
    from lipsync_core.registry import Registry
    from lipsync_core.requests import PluginSettings, RunRequest, TargetRequest
    from lipsync_core.running.cancellation import CancelToken

_HOME = {
    "CancelToken": "lipsync_core.running.cancellation",
    "PluginSettings": "lipsync_core.requests",
    "Pool": "lipsync_core.engine.hosts.pool",
    "Registry": "lipsync_core.registry",
    "RunRequest": "lipsync_core.requests",
    "Session": "lipsync_core.engine.live.session",
    "TargetRequest": "lipsync_core.requests",
    "hookimpl": "lipsync_core.hookspecs",
    "run": "lipsync_core.engine.run",
}

__all__ = [
    "CancelToken",
    "PluginSettings",
    "Pool",
    "Registry",
    "RunRequest",
    "Session",
    "TargetRequest",
    "__version__",
    "hookimpl",
    "run",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562: the type is the attribute's own
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
