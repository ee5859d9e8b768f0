"""The pool of opened generators: whoever wants frames leases one; equal wishes share it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from threading import Condition
from types import TracebackType

from lipsync_core.contracts import Generator
from lipsync_core.engine.chain.resolve import Candidate
from lipsync_core.engine.hosts.host import Host

__all__ = ["Lease", "Pool", "PoolEntry"]


PATIENCE = 0.004
"""Seconds; a tenth of a frame at 25 a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolEntry:
    """One opened generator, for statistics.

    Attributes:
        generator: its name.
        device: where it runs.
        users: leases that are out.
        uses: leases so far.
        open_seconds: how long opening took.
        calls: of `generate` so far.
        shared_calls: those of them that made frames of several users.
        frames: made so far.
    """

    generator: str
    device: str
    users: int
    uses: int
    open_seconds: float
    calls: int
    shared_calls: int
    frames: int


@dataclass(slots=True)
class _Entry:
    """A generator of the pool. `ready` is None while it is being opened."""

    candidate: Candidate
    host: Host
    ready: bool | None = None
    users: int = 0
    uses: int = 0
    open_seconds: float = 0.0
    broken: bool = field(default=False)


class Lease:
    """The right to call an opened generator, until it is released.

    Attributes:
        generator: open; calls from any thread are fine, and wait for each other.
    """

    def __init__(self, pool: Pool, key: str, entry: _Entry) -> None:
        self._pool = pool
        self._key = key
        self._entry: _Entry | None = entry
        self.generator: Generator = entry.host

    def release(self, *, broken: bool = False) -> None:
        """Give it back; may be called twice.

        Args:
            broken: it failed: whoever leases it next gets one that was opened anew.
        """
        entry, self._entry = self._entry, None
        if entry is not None:
            self._pool._release(self._key, entry, broken)


class Pool:
    """Opened generators, shared by runs and live sessions. Thread-safe.

    Two leases share a generator when its name, version, device, precision, options, seed, weight files and
    isolation are equal. A generator that fails is closed and opened anew for the next lease.

    Args:
        max_models: generators that are kept open at most. Idle ones are closed to make room, the least
            frequently used first; leased ones are never closed, so more may be open for a while.
        patience: seconds that a frame waits at the most for frames of other users, to go through a generator
            in one call. Only where frames are independent, and never for a single user. None: frames of
            different users never go together.
    """

    def __init__(self, max_models: int = 1, *, patience: float | None = PATIENCE) -> None:
        self._max = max_models
        self._patience = patience
        self._entries: dict[str, _Entry] = {}
        self._changed = Condition()
        self._closed = False

    def lease(self, candidate: Candidate) -> Lease:
        """An opened generator; opened now where nobody has it open.

        Raises:
            LipsyncError: it cannot be opened.
        """
        key = _key(candidate)
        with self._changed:
            entry = self._entries.get(key)
            mine = entry is None
            if entry is None:
                entry = _Entry(
                    candidate=candidate,
                    host=Host(candidate.spec, isolated=candidate.isolated, patience=self._patience),
                )
                self._entries[key] = entry
            entry.users += 1
            entry.uses += 1
            entry.host.callers = entry.users
            leaving = self._surplus()
        for other in leaving:
            other.host.close()
        if mine:
            self._open(key, entry)
            return Lease(self, key, entry)
        with self._changed:
            self._changed.wait_for(lambda: entry.ready is not None)
            failed = not entry.ready
            if failed:
                entry.users -= 1
                entry.host.callers = entry.users
        # Whoever opened it has the reason; this caller tries for itself.
        return self.lease(candidate) if failed else Lease(self, key, entry)

    def entries(self) -> list[PoolEntry]:
        """What is open now."""
        with self._changed:
            return [
                PoolEntry(
                    generator=e.candidate.name,
                    device=e.candidate.context.device,
                    users=e.users,
                    uses=e.uses,
                    open_seconds=round(e.open_seconds, 3),
                    calls=e.host.calls,
                    shared_calls=e.host.shared_calls,
                    frames=e.host.frames,
                )
                for e in self._entries.values()
                if e.ready
            ]

    def close(self) -> None:
        """Close all idle generators now, and leased ones when they are released."""
        with self._changed:
            self._closed = True
            leaving = self._surplus()
        for entry in leaving:
            entry.host.close()

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self, key: str, entry: _Entry) -> None:
        begin = time.perf_counter()
        ready = False
        try:
            entry.host.open(entry.candidate.context)
            ready = True
        finally:
            with self._changed:
                entry.ready = ready
                entry.open_seconds = time.perf_counter() - begin
                if not ready:
                    self._forget(key, entry)
                self._changed.notify_all()

    def _release(self, key: str, entry: _Entry, broken: bool) -> None:
        with self._changed:
            entry.users -= 1
            entry.host.callers = entry.users
            if broken:
                entry.broken = True
                self._forget(key, entry)  # later leases open another one
            leaving = [entry] if entry.broken and not entry.users else []
            leaving += self._surplus()
        for other in leaving:
            other.host.close()

    def _forget(self, key: str, entry: _Entry) -> None:
        if self._entries.get(key) is entry:
            del self._entries[key]

    def _surplus(self) -> list[_Entry]:
        """Take idle generators out of the pool until it is small enough; the caller closes them."""
        room = 0 if self._closed else self._max
        idle = [(e.uses, key) for key, e in self._entries.items() if e.ready and not e.users]
        count = max(0, len(self._entries) - room)
        return [self._entries.pop(key) for _, key in sorted(idle)[:count]]


def _key(candidate: Candidate) -> str:
    """What makes two candidates the same opened generator."""
    spec, context = candidate.spec, candidate.context
    return json.dumps(
        [
            spec.name,
            spec.factory,
            candidate.version,
            context.device,
            context.precision,
            context.threads,
            context.seed,
            dict(context.options),
            [str(path) for _, path in sorted(context.weights.items())],
            candidate.weight_stamps(),
            candidate.isolated,
        ],
        sort_keys=True,
    )
