"""Threads with bounded queues: order, errors, an early end; and the stopwatch."""

from __future__ import annotations

import threading
import time

import pytest

from lipsync_core.running.queues import Sink, ahead
from lipsync_core.running.stopwatch import Stopwatch


def test_ahead_is_bounded_and_in_order():
    made = []

    def items():
        for n in range(50):
            made.append(n)
            yield n

    reader = ahead(items(), 3)
    assert next(reader) == 0
    time.sleep(0.2)
    assert len(made) <= 6, "one out, three waiting, one in the hand of each side"
    assert list(reader) == list(range(1, 50))


def test_ahead_hands_over_errors_and_stops_its_thread():
    closed = threading.Event()

    def items():
        try:
            yield 1
            raise ValueError("broken")
        finally:
            closed.set()

    with pytest.raises(ValueError, match="broken"):
        list(ahead(items(), 2))

    def endless():
        try:
            while True:
                yield 0
        finally:
            closed.set()

    closed.clear()
    reader = ahead(endless(), 2)
    next(reader)
    reader.close()
    assert closed.wait(2)
    assert not [t for t in threading.enumerate() if t.name == "lipsync-ahead"]


def test_a_sink_does_all_or_tells():
    done = []
    with Sink(done.append, 2) as sink:
        for n in range(20):
            sink.put(n)
    assert done == list(range(20))

    def refuse(item):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), Sink(refuse, 2) as sink:
        for n in range(20):
            sink.put(n)
    with pytest.raises(KeyError), Sink(lambda item: time.sleep(0.01), 50) as sink:
        for n in range(50):
            sink.put(n)
        begin = time.monotonic()
        raise KeyError
    assert time.monotonic() - begin < 0.4, "what was queued is dropped"


def test_the_stopwatch_adds_up():
    watch = Stopwatch()
    for _ in range(3):
        with watch.on("a"):
            pass
    watch.add("b", 1.5)
    told = watch.report()
    assert told["a"]["calls"] == 3 and told["b"] == {"seconds": 1.5, "calls": 1}
