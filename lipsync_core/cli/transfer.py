"""Progress of weight files that are copied, fetched or checked, on stderr: bytes, speed, time left."""

from __future__ import annotations

from types import TracebackType

from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from lipsync_core.cli.console import stderr
from lipsync_core.weights.meter import Meter


class ShownMeter(Meter):
    """A bar for each file; notes only where stderr is not a terminal."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=stderr,
            refresh_per_second=5,
            disable=not stderr.is_terminal,
        )
        self._task: TaskID | None = None

    def start(self, what: str, total: int | None, done: int = 0) -> None:
        """Begin a bar."""
        self._task = self._bar.add_task(escape(what), total=total, completed=done)

    def advance(self, count: int) -> None:
        """Move it."""
        if self._task is not None:
            self._bar.advance(self._task, count)

    def note(self, message: str) -> None:
        """A line above the bars."""
        stderr.print(escape(message), soft_wrap=True)

    def __enter__(self) -> ShownMeter:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()
