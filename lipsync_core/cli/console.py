"""The two consoles, JSON on stdout, and errors with a remedy on stderr.

Only what a verb was asked for goes to stdout.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from lipsync_core.errors import LipsyncError

__all__ = ["failure", "print_json", "show_error", "stderr", "stdout"]


stderr = Console(stderr=True, highlight=False)
"""For progress, notes and errors."""
stdout = Console(highlight=False)
"""For what a verb was asked for."""
"""Where commands print their results."""


def show_error(error: LipsyncError, *, as_json: bool = False, about: str = "") -> None:
    """Write the error and its remedy to stderr.

    Args:
        error: what happened.
        as_json: write it to stdout as JSON, too.
        about: name of the task that failed, where there are several.
    """
    if as_json:
        print_json(failure(error))
    where = f" {escape(about)}:" if about else ""
    stderr.print(f"[bold red]Error:[/]{where} {escape(error.message)}", soft_wrap=True)
    if error.hint:
        stderr.print(f"[bold]Remedy:[/] {escape(error.hint)}", soft_wrap=True)


def failure(error: LipsyncError) -> dict[str, Any]:
    """An error as plain data: its class, message, hint and exit code."""
    return {
        "error": type(error).__name__,
        "message": error.message,
        "hint": error.hint,
        "exit_code": error.exit_code,
    }


def print_json(data: Any) -> None:  # noqa: ANN401 - any JSON value
    """Write data to stdout as JSON; what JSON does not know, such as a path, as text."""
    from lipsync_core.media.output import json_bytes

    sys.stdout.write(json_bytes(data).decode())
