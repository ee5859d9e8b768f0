"""What people see: progress with an estimate, and errors with a remedy.

All of it goes to stderr, so that stdout carries only what was asked for.
"""

from __future__ import annotations

import json
import sys
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as Bar,
)

from lipsync_core.errors import LipsyncError
from lipsync_core.running.progress import Progress

__all__ = ["ShownProgress", "print_json", "stdout"]


stderr = Console(stderr=True, highlight=False)
stdout = Console(highlight=False)
"""Where commands print their results."""


def show_error(error: LipsyncError, *, as_json: bool = False, about: str = "") -> None:
    """One sentence, the remedy, and the exit code's name; plain data with `--json`.

    Args:
        error: what happened.
        as_json: also to stdout, as data.
        about: which of several tasks.
    """
    if as_json:
        print_json(failure(error))
    where = f" {escape(about)}:" if about else ""
    stderr.print(f"[bold red]Error:[/]{where} {escape(error.message)}", soft_wrap=True)
    if error.hint:
        stderr.print(f"[bold]Remedy:[/] {escape(error.hint)}", soft_wrap=True)


def failure(error: LipsyncError) -> dict[str, Any]:
    """An error as plain data."""
    told = {"error": type(error).__name__, "message": error.message, "hint": error.hint}
    return told | {"exit_code": error.exit_code}


def print_json(data: Any) -> None:  # noqa: ANN401 - any JSON value
    """To stdout, as it is."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n")


class ShownProgress(Progress):
    """Rich progress bar with an estimate of the time left; notes stay above it."""

    def __init__(self) -> None:
        self._bar = Bar(
            TextColumn("{task.description:<18}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("[dim]elapsed"),
            TimeElapsedColumn(),
            TextColumn("[dim]left"),
            TimeRemainingColumn(),
            console=stderr,
            refresh_per_second=5,
        )
        self._task: TaskID | None = None

    def stage(self, name: str, total: int) -> None:
        """Finish the bar before, and begin one."""
        self._finish()
        self._task = self._bar.add_task(name, total=total)

    def advance(self, done: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bar.update(self._task, completed=done)

    def note(self, message: str) -> None:
        """A line above the bar."""
        self._bar.console.print(f"[yellow]{escape(message)}[/]")

    def _finish(self) -> None:
        if self._task is not None:
            task = self._bar.tasks[self._task]
            self._bar.update(self._task, completed=task.total)

    def __enter__(self) -> ShownProgress:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._finish()
        self._bar.stop()
