"""The hooks that a plugin may implement: one for each kind of plugin, made from the table in `kinds`.

The entry point (group `lipsync`) names a module with functions decorated by `hookimpl`:

    @hookimpl
    def lipsync_register_generators(register: Callable[[GeneratorSpec], None]) -> None:
        register(MY_GENERATOR)

Each is handed `register`, to be called once for every spec.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pluggy

from lipsync_core.kinds import KINDS, PluginKind

__all__ = ["PROJECT", "hookimpl", "hookspec"]

PROJECT = "lipsync"
"""Name of the project, as pluggy knows it."""
hookspec = pluggy.HookspecMarker(PROJECT)
"""Marks the specification of a hook."""
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function of a plugin as the implementation of the hook of the same name."""


def _hook(kind: PluginKind) -> Callable[..., None]:
    """The specification of one hook, as if it had been written by hand."""

    def offer(register: Any) -> None:  # noqa: ANN401 - narrowed below
        raise NotImplementedError("a specification is never called")

    offer.__name__ = offer.__qualname__ = kind.hook
    offer.__doc__ = kind.offers
    offer.__annotations__ = {
        "register": f"Callable[[{kind.spec.__name__}], None]",
        "return": "None",
    }
    return hookspec(offer)


globals().update({kind.hook: _hook(kind) for kind in KINDS})
