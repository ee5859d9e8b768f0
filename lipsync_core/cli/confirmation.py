"""Questions to the user, before something is deleted or a licence accepted."""

from __future__ import annotations

import sys

import typer

from lipsync_core.errors import UsageError


def confirm(question: str) -> None:
    """Ask the user on the terminal.

    Raises:
        UsageError: there is no terminal to ask on, or the answer was no.
    """
    if not sys.stdin.isatty():
        raise UsageError(f"{question} There is no terminal to ask on.", "Add --yes.")
    if not typer.confirm(question, err=True):
        raise UsageError("Nothing was changed.")
