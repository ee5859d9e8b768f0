"""How many threads native libraries may use while the engine works."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Lock

import cv2
from threadpoolctl import threadpool_limits

__all__ = ["one_thread"]


class _OneThread:
    """The process-wide limit, shared by all who want it at the same time.

    The settings are the process's own: whoever comes first saves them and whoever leaves last restores
    them, in whichever order runs and live sessions overlap.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._users = 0
        self._before = 0
        self._blas: AbstractContextManager[object] | None = None

    def enter(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._before = cv2.getNumThreads()
                cv2.setNumThreads(1)
                self._blas = threadpool_limits(limits=1, user_api="blas")
                self._blas.__enter__()

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                blas, self._blas = self._blas, None
                assert blas is not None
                blas.__exit__(None, None, None)
                cv2.setNumThreads(self._before)


_LIMIT = _OneThread()


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS and OpenCV to one thread while the block runs; decoding and encoding have their own.

    Small solves and warps on all cores cost more than they gain: 10 ms of CPU time a frame became 86.
    """
    _LIMIT.enter()
    try:
        yield
    finally:
        _LIMIT.leave()
