"""Progress of a run on stderr: a bar for each stage, with an estimate of the time left."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from types import TracebackType

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

from lipsync_core.cli.console import stderr
from lipsync_core.running.progress import Progress

__all__ = ["ShownProgress", "progress"]


def progress(silent: bool) -> AbstractContextManager[Progress]:
    """A listener that shows the progress, or one that shows nothing."""
    return nullcontext(Progress()) if silent else ShownProgress()


class ShownProgress(Progress):
    """A bar for each stage; notes stay above it."""

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
        """Finish the bar of the stage before, and begin another."""
        self._finish()
        self._task = self._bar.add_task(name, total=total)

    def advance(self, done: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bar.update(self._task, completed=done)

    def note(self, message: str) -> None:
        """Write a line above the bar."""
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
