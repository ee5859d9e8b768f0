"""How the store tells how far it is. The store calls; the command line or nobody listens."""

from __future__ import annotations


class Meter:
    """Listener that does nothing; derive from it and override what is of interest."""

    def start(self, what: str, total: int | None, done: int = 0) -> None:
        """Work on a file begins: `total` bytes where known, `done` of them already there."""

    def advance(self, count: int) -> None:
        """`count` more bytes are done."""

    def note(self, message: str) -> None:
        """Something noteworthy happened."""
