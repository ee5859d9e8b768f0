"""How a run tells what it is doing. The engine calls; the command line, a server or nobody listens."""

from __future__ import annotations

__all__ = ["Progress"]


class Progress:
    """Listener that does nothing; derive from it and override what is of interest."""

    def stage(self, name: str, total: int) -> None:
        """A stage begins: `total` units of work (frames, or seconds of sound)."""

    def advance(self, done: int) -> None:
        """`done` units of the present stage are finished in all."""

    def note(self, message: str) -> None:
        """Something noteworthy happened: a fallback, a resumed run."""
