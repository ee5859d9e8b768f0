"""Threads with bounded queues, so that decoding, computing and encoding overlap in constant memory."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Iterable
from types import TracebackType
from typing import Generic, TypeVar

from lipsync_core.running.interruption import undivided

Item = TypeVar("Item")


class _End:
    """Marks the end of a stream; carries the error that ended it, if one did."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def ahead(items: Iterable[Item], size: int) -> Generator[Item, None, None]:
    """Run `items` in a thread of its own, at most `size` items ahead.

    An exception in the thread is raised here, at the point it belongs to. Leaving early (closing the
    iterator) stops the thread and closes `items`.
    """
    box: queue.Queue[Item | _End] = queue.Queue(size)
    stop = threading.Event()

    def put(item: Item | _End) -> bool:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                box.put(item, timeout=0.1)
                return True
        return False

    def work() -> None:
        source = iter(items)
        try:
            for item in source:
                if not put(item):
                    break
            put(_End())
        except BaseException as error:  # noqa: BLE001 - handed over, raised by the reader
            put(_End(error))
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()

    thread = threading.Thread(target=work, name="lipsync-ahead", daemon=True)
    try:
        with undivided():
            thread.start()
        while True:
            item = box.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        stop.set()
        if thread.ident is not None:
            thread.join()


class Sink(Generic[Item]):
    """Does something with each item in a thread of its own, at most `size` items behind.

    Used as a context manager: leaving it waits for the rest, and raises what the thread raised.
    Leaving it with an exception drops what is still queued.
    """

    def __init__(self, work: Callable[[Item], None], size: int) -> None:
        self._work = work
        self._box: queue.Queue[Item | _End] = queue.Queue(size)
        self._error: BaseException | None = None
        self._dropped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lipsync-sink", daemon=True)

    def put(self, item: Item) -> None:
        """Hand over one item; raises what an earlier one caused."""
        self._box.put(item)
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while not isinstance(item := self._box.get(), _End):
            if self._error is None and not self._dropped.is_set():
                try:
                    self._work(item)
                except BaseException as error:  # noqa: BLE001 - handed over, raised by the writer
                    self._error = error

    def __enter__(self) -> Sink[Item]:
        with undivided():
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._dropped.set()
        self._box.put(_End())
        self._thread.join()
        if error is None and self._error is not None:
            raise self._error
