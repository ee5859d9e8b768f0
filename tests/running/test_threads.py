"""Native libraries get one thread while the engine works, and their own settings back afterwards."""

from __future__ import annotations

import cv2
import pytest
from threadpoolctl import threadpool_info

from lipsync_core.running.threads import one_thread


def blas() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.fixture
def three_threads():
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    yield
    cv2.setNumThreads(before)


@pytest.mark.parametrize("first_leaves_first", [True, False])
def test_overlapping_users_leave_the_settings_as_they_found_them(three_threads, first_leaves_first):
    found = blas()
    one, other = one_thread(), one_thread()
    one.__enter__()
    other.__enter__()
    assert cv2.getNumThreads() == 1 and set(blas()) <= {1}
    for user in (one, other) if first_leaves_first else (other, one):
        assert cv2.getNumThreads() == 1
        user.__exit__(None, None, None)
    assert cv2.getNumThreads() == 3
    assert blas() == found


def test_an_error_leaves_them_too(three_threads):
    with pytest.raises(ValueError), one_thread():
        raise ValueError
    assert cv2.getNumThreads() == 3
