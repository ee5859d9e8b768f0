"""Errors for people: what happened, to which file or plugin, and what to do about it.

Each class has one documented exit code. The command line shows `message` and `hint`, never a
traceback, for every `LipsyncError`.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "Cancelled",
    "GenerationFailed",
    "LipsyncError",
    "OutOfMemory",
    "OutputError",
    "PluginFault",
    "PluginUnavailable",
    "UnsupportedInput",
    "UsageError",
    "VerificationFailed",
]


class LipsyncError(Exception):
    """Base of all errors that the user can do something about.

    Args:
        message: one sentence that names the file or plugin.
        hint: the remedy, one sentence; may be empty.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(LipsyncError):
    """The command line or the request contradicts itself (exit code 2)."""

    exit_code = 2


class UnsupportedInput(LipsyncError):
    """An input file is missing, unreadable, empty, damaged or of no use (exit code 3).

    The user's mistake: the chain never moves on for it.
    """

    exit_code = 3


class PluginUnavailable(LipsyncError):
    """A plugin cannot run here: a package, weights, a device or a licence is in the way (exit code 4)."""

    exit_code = 4


class GenerationFailed(LipsyncError):
    """Every generator of the chain was tried and none gave a usable picture (exit code 5)."""

    exit_code = 5


class OutOfMemory(GenerationFailed):
    """A generator ran out of memory; the engine tries once with smaller chunks (exit code 5)."""


class OutputError(LipsyncError):
    """The output cannot be written: folder, rights, space, or a file in the way (exit code 6)."""

    exit_code = 6


class PluginFault(LipsyncError):
    """A plugin breaks the contract: wrong shape, wrong hook, failing import (exit code 7)."""

    exit_code = 7


class VerificationFailed(LipsyncError):
    """`verify` found no mark on a video, one that does not fit it, or damaged weights (exit code 8)."""

    exit_code = 8


class Cancelled(LipsyncError):
    """The user stopped the run; finished segments are kept for the next try (exit code 130)."""

    exit_code = 130
