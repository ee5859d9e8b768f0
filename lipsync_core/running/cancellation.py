"""Cancelling work from any thread: one token goes down with the work, whoever holds it may cancel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from threading import Event
from typing import TypeVar

from lipsync_core.errors import Cancelled

__all__ = ["NEVER", "CancelToken"]

Item = TypeVar("Item")


class CancelToken:
    """Says whether work should stop. `cancel` may be called from any thread, any number of times."""

    def __init__(self) -> None:
        self._event = Event()

    def cancel(self) -> None:
        """Ask the work to stop at the next frame, block of sound or segment."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked the work to stop."""
        return self._event.is_set()

    def check(self) -> None:
        """Stop here if somebody asked for it.

        Raises:
            Cancelled: the work was cancelled.
        """
        if self._event.is_set():
            raise Cancelled("The run was cancelled.", "Rerun the same command to resume.")

    def checked(self, items: Iterable[Item]) -> Iterator[Item]:
        """The same items, with a check before each; closing it closes a generator beneath.

        Raises:
            Cancelled: the work was cancelled.
        """
        source = iter(items)
        try:
            for item in source:
                self.check()
                yield item
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()


class _Never(CancelToken):
    """The token of work that nobody cancels."""

    def cancel(self) -> None:
        raise TypeError("this token is shared by all work that cannot be cancelled")


NEVER: CancelToken = _Never()
"""For work that nobody cancels."""
