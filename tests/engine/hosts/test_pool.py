"""The pool: equal wishes share one opened generator, idle ones make room, failed ones are opened anew."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import ClassVar

import fakes
import numpy as np
import pytest

from lipsync_core.conformance import inputs
from lipsync_core.contracts import OpenContext
from lipsync_core.engine.chain.resolve import Candidate, resolve
from lipsync_core.engine.hosts.host import Host
from lipsync_core.engine.hosts.pool import Pool
from lipsync_core.errors import PluginFault
from lipsync_core.records import Crops
from lipsync_core.requests import PluginSettings
from lipsync_core.specs import Option


class Watched(fakes.Painter):
    """Notes what happens to it, and in which thread."""

    opened: ClassVar[list[str]] = []
    closed: ClassVar[list[str]] = []
    inside: ClassVar[list[int]] = []
    most: ClassVar[int] = 0
    threads: ClassVar[set[str]] = set()

    def open(self, context):
        super().open(context)
        self.depth = str(context.options.get("depth", ""))
        type(self).opened.append(self.depth)

    def generate(self, chunk):
        cls = type(self)
        cls.threads.add(threading.current_thread().name)
        cls.inside.append(1)
        cls.most = max(cls.most, len(cls.inside))
        try:
            return super().generate(chunk)
        finally:
            cls.inside.pop()

    def close(self):
        type(self).closed.append(self.depth)


class FailsAtOpen(Watched):
    def open(self, context):
        type(self).opened.append("failed")
        raise RuntimeError("no such weights")


@pytest.fixture(autouse=True)
def fresh():
    for kind in (Watched, FailsAtOpen):
        kind.opened.clear()
        kind.closed.clear()
        kind.threads.clear()
    Watched.most = 0


def candidate(depth: str = "1", kind: type[Watched] = Watched, **settings) -> Candidate:
    spec = fakes.spec(
        "watched",
        factory=f"{__name__}:{kind.__name__}",
        options=(Option(key="depth", default=1, help="for tests"),),
    )
    chosen = PluginSettings(
        generators=("watched",), options={"watched": {"depth": depth}}, **settings
    )
    return resolve(fakes.registry(spec), chosen).candidates[0]


def test_equal_wishes_share_one_generator():
    with Pool() as pool:
        one, other = pool.lease(candidate()), pool.lease(candidate())
        assert one.generator is other.generator
        (entry,) = pool.entries()
        assert (entry.generator, entry.device, entry.users, entry.uses) == ("watched", "cpu", 2, 2)
        one.release()
        one.release()  # twice is once
        assert pool.entries()[0].users == 1
        other.release()
        again = pool.lease(candidate())
        assert Watched.opened == ["1"]
        again.release()
    assert Watched.closed == ["1"]


@pytest.mark.parametrize(
    "change", [{"depth": "2"}, {"seed": 7}, {"precision": "fp32"}], ids=lambda c: next(iter(c))
)
def test_other_settings_are_another_generator(change):
    with Pool(max_models=2) as pool:
        one, other = pool.lease(candidate()), pool.lease(candidate(**change))
        assert one.generator is not other.generator
        one.release()
        other.release()


def test_other_weights_are_another_generator(tmp_path):
    weight = tmp_path / "net.pth"
    weight.write_bytes(b"one")
    plain = candidate()
    spec = replace(plain, context=replace(plain.context, weights={"net.pth": weight}))
    with Pool(max_models=2) as pool:
        one = pool.lease(spec)
        weight.write_bytes(b"other")
        other = pool.lease(spec)
        assert one.generator is not other.generator
        one.release()
        other.release()


def test_the_least_used_idle_generator_makes_room():
    with Pool(max_models=2) as pool:
        for depth in ("1", "2", "2"):
            pool.lease(candidate(depth)).release()
        held = pool.lease(candidate("3"))
        assert Watched.closed == ["1"], "two uses outweigh one"
        last = pool.lease(candidate("4"))
        assert Watched.closed == ["1", "2"], "a leased generator is never closed"
        held.release()
        last.release()


def test_a_broken_generator_is_opened_anew_and_does_not_take_others_with_it():
    with Pool() as pool:
        one, other = pool.lease(candidate()), pool.lease(candidate())
        one.release(broken=True)
        assert Watched.closed == [], "somebody else still uses it"
        new = pool.lease(candidate())
        assert new.generator is not other.generator
        other.release()
        assert Watched.closed == ["1"]
        new.release()


def test_what_cannot_be_opened_says_so_each_time():
    with Pool() as pool:
        for _ in range(2):
            with pytest.raises(PluginFault, match="no such weights"):
                pool.lease(candidate(kind=FailsAtOpen))
        assert pool.entries() == []
    assert FailsAtOpen.opened == ["failed", "failed"]


def test_many_threads_share_it_one_call_at_a_time():
    crops = Crops(
        frames=np.arange(3),
        track=0,
        images=np.full((3, 96, 96, 3), 90, np.uint8),
        matrices=np.zeros((3, 2, 3)),
        landmarks=np.zeros((3, 68, 2), np.float32),
        scheme="68",
    )
    chunk = inputs.chunk(crops, np.zeros((3, 80, 16), np.float32))
    results: list[np.ndarray] = []
    with Pool() as pool:

        def speak():
            lease = pool.lease(candidate())
            results.extend(lease.generator.generate(chunk) for _ in range(5))
            lease.release()

        callers = [threading.Thread(target=speak) for _ in range(4)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert Watched.opened == ["1"]
        assert Watched.most == 1, "one caller at a time"
        assert Watched.threads == {"lipsync-watched_0"}, "always the same thread"
    assert all(np.array_equal(results[0], made) for made in results)
    assert len(results) == 20


def test_a_closed_pool_closes_leased_generators_when_they_come_back():
    before = set(threading.enumerate())
    pool = Pool()
    lease = pool.lease(candidate())
    assert set(threading.enumerate()) - before
    pool.close()
    assert Watched.closed == []
    lease.release()
    assert Watched.closed == ["1"]
    assert not set(threading.enumerate()) - before, "its thread has ended"


def test_whoever_waits_for_a_generator_that_cannot_be_opened_tries_for_itself():
    class Slow(FailsAtOpen):
        def open(self, context):
            started.set()
            go_on.wait(5)
            super().open(context)

    globals()["Slow"] = Slow
    started, go_on = threading.Event(), threading.Event()
    errors: list[str] = []

    def want():
        with pytest.raises(PluginFault) as error:
            pool.lease(candidate(kind=Slow))
        errors.append(error.value.message)

    with Pool() as pool:
        first, second = threading.Thread(target=want), threading.Thread(target=want)
        first.start()
        assert started.wait(5)
        second.start()
        while len(pool._entries) and next(iter(pool._entries.values())).users < 2:
            pass
        go_on.set()
        first.join()
        second.join()
    assert len(errors) == 2 and Slow.opened == ["failed", "failed"]


def test_a_host_that_is_not_open_says_so():
    host = Host(candidate().spec)
    with pytest.raises(PluginFault, match="'watched' is not open"):
        host.generate(None)
    host.close()  # nothing to close


def test_a_host_prepares_in_its_thread():
    host = Host(candidate().spec)
    host.open(OpenContext())
    assert host.prepare(None) == {}
    host.close()
    host.close()
    assert Watched.closed == [""]
