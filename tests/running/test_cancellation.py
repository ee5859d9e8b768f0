"""A cancel token: work stops between two items, wherever the token was used."""

from __future__ import annotations

import threading

import pytest

from lipsync_core.errors import Cancelled
from lipsync_core.running.cancellation import NEVER, CancelToken


def test_it_stops_between_two_items_and_closes_what_is_beneath():
    token, closed = CancelToken(), []

    def items():
        try:
            yield from range(10)
        finally:
            closed.append(True)

    seen = []
    with pytest.raises(Cancelled, match="cancelled"):
        for item in token.checked(items()):
            seen.append(item)
            if item == 3:
                threading.Thread(target=token.cancel).start()
                while not token.cancelled:
                    pass
    assert seen == [0, 1, 2, 3]
    assert closed == [True]


def test_an_early_end_closes_what_is_beneath():
    closed = []

    def items():
        try:
            yield from range(10)
        finally:
            closed.append(True)

    walk = CancelToken().checked(items())
    next(walk)
    walk.close()
    assert closed == [True]


def test_the_shared_token_cannot_be_cancelled():
    with pytest.raises(TypeError):
        NEVER.cancel()
    NEVER.check()
