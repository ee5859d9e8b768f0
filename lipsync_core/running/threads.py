"""How many threads native libraries may use while the engine works."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Give BLAS and OpenCV one thread; decoding and encoding have their own.

    Small solves and warps on all cores cost more than they gain: 10 ms of CPU time a frame became 86.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(limits=1, user_api="blas"):
            yield
    finally:
        cv2.setNumThreads(before)
