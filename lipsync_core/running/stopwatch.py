"""Wall time per stage, and how much work was spared, for the report.

Stages run in different threads, so the sum may pass the whole.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock

__all__ = ["Stopwatch"]


class Stopwatch:
    """Adds up seconds and calls per stage, and counts."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._spent: dict[str, tuple[float, int]] = {}
        self._counted: dict[str, int] = {}

    @contextmanager
    def on(self, stage: str) -> Iterator[None]:
        """Book the time of a `with` block on `stage`."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.add(stage, time.perf_counter() - begin)

    def add(self, stage: str, seconds: float) -> None:
        """Book `seconds` on `stage`."""
        with self._lock:
            spent, calls = self._spent.get(stage, (0.0, 0))
            self._spent[stage] = (spent + seconds, calls + 1)

    def count(self, what: str, number: int = 1) -> None:
        """`number` more of `what`."""
        with self._lock:
            self._counted[what] = self._counted.get(what, 0) + number

    def counted(self, what: str) -> int:
        """How many of `what` there were."""
        with self._lock:
            return self._counted.get(what, 0)

    def report(self) -> dict[str, dict[str, float | int]]:
        """Stage -> seconds and calls, in the order of first use."""
        with self._lock:
            return {
                stage: {"seconds": round(spent, 3), "calls": calls}
                for stage, (spent, calls) in self._spent.items()
            }

    def take(self) -> tuple[dict[str, tuple[float, int]], dict[str, int]]:
        """Hand over everything booked and counted so far, and start from zero.

        Returns:
            Stage -> seconds and calls; counter -> number.
        """
        with self._lock:
            spent, counted = self._spent, self._counted
            self._spent, self._counted = {}, {}
        return spent, counted

    def merge(self, stages: Mapping[str, tuple[float, int]], counters: Mapping[str, int]) -> None:
        """Add what another stopwatch handed over."""
        with self._lock:
            for stage, (seconds, calls) in stages.items():
                spent, before = self._spent.get(stage, (0.0, 0))
                self._spent[stage] = (spent + seconds, before + calls)
            for what, number in counters.items():
                self._counted[what] = self._counted.get(what, 0) + number
