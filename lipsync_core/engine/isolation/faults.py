"""Errors on their way from a worker process to the run."""

from __future__ import annotations

from dataclasses import dataclass

from lipsync_core import errors
from lipsync_core.engine.chain.failures import out_of_memory
from lipsync_core.errors import LipsyncError


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An error in plain words: `kind` is a class of `lipsync_core.errors`."""

    kind: str
    message: str
    hint: str = ""

    @classmethod
    def of(cls, error: Exception) -> Fault:
        """What the worker met; an error that is not lipsync's own is described by its class name."""
        if isinstance(error, LipsyncError):
            kind = next(c.__name__ for c in type(error).__mro__ if c.__module__ == errors.__name__)
            return cls(kind=kind, message=error.message, hint=error.hint)
        if out_of_memory(error):
            return cls(kind="OutOfMemory", message=f"out of memory: {error}")
        text = " ".join(str(error).split())[:300]
        return cls(kind="PluginFault", message=f"{type(error).__name__}: {text}")

    def error(self) -> LipsyncError:
        """The same error, to be raised in the run."""
        kind: type[LipsyncError] = getattr(errors, self.kind)
        return kind(self.message, self.hint)
