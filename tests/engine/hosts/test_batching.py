"""Frames of several callers in one call: the same pictures, nobody's failure another's, nobody waits
alone."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import fakes
import numpy as np
import pytest

from lipsync_core.conformance import inputs
from lipsync_core.contracts import Generator, OpenContext
from lipsync_core.engine.hosts.batching import alike, apart, can_share, joined
from lipsync_core.engine.hosts.host import Host
from lipsync_core.errors import GenerationFailed
from lipsync_core.records import Chunk, Generated
from lipsync_core.specs import ChunkSpec, NativeCrop, PrepareSpec

LATE = 10.0
"""Seconds of patience that no test waits out."""


class Counting(Generator):
    """Adds the row to the picture; notes the sizes of its calls; cannot bear rows above 100."""

    def open(self, context: OpenContext) -> None:
        self.sizes: list[int] = []

    def generate(self, chunk: Chunk) -> np.ndarray:
        self.sizes.append(len(chunk))
        if (chunk.features > 100).any():
            raise GenerationFailed("a row is too large")
        return chunk.crops.images + chunk.features[:, :, None, None].astype(np.uint8)

    def close(self) -> None:
        pass


class Telling(Counting):
    def generate(self, chunk: Chunk) -> Generated:
        return Generated(images=super().generate(chunk), note="by the telling one")


def spec(kind=Counting, **changes):
    return fakes.spec("counting", factory=f"{__name__}:{kind.__name__}", **changes)


def chunk(value, frames=1, size=32):
    crops = inputs.crops(NativeCrop(), frames)
    images = np.full((frames, size, size, 3), 10 * value % 200, np.uint8)
    return Chunk(
        crops=replace(crops, images=images, track=value),
        features=np.full((frames, 1), value, np.float32),
        strength=np.ones(frames, np.float32),
    )


@pytest.fixture
def opened():
    hosts = []

    def make(callers=1, patience=LATE, kind=Counting, **changes):
        host = Host(spec(kind, **changes), patience=patience)
        host.open(OpenContext())
        host.callers = callers
        hosts.append(host)
        return host

    yield make
    for host in hosts:
        host.close()


def asked(host, chunks):
    """What each of several callers gets; errors as values."""
    answers = [None] * len(chunks)

    def ask(n):
        try:
            answers[n] = host.generate(chunks[n])
        except GenerationFailed as error:
            answers[n] = error

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(len(chunks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_frames_of_several_callers_share_a_call_and_are_those_of_each_alone(opened):
    chunks = [chunk(value, frames=1 + value % 3) for value in range(1, 6)]
    host, alone = opened(callers=5, chunk=ChunkSpec(frames=16)), opened()
    for got, one in zip(asked(host, chunks), chunks, strict=True):
        np.testing.assert_array_equal(got, alone.generate(one))
    assert host._generator.sizes == [sum(map(len, chunks))]
    assert (host.calls, host.shared_calls, host.frames) == (1, 1, sum(map(len, chunks)))


def test_a_failing_chunk_fails_for_its_caller_alone(opened):
    chunks = [chunk(1), chunk(101), chunk(3)]
    first, failed, last = asked(opened(callers=3), chunks)
    assert isinstance(failed, GenerationFailed)
    for got, one in ((first, chunks[0]), (last, chunks[2])):
        np.testing.assert_array_equal(got, opened().generate(one))


def test_a_single_caller_never_waits(opened):
    host = opened(callers=1)
    begin = time.monotonic()
    for value in range(5):
        host.generate(chunk(value))
    assert time.monotonic() - begin < LATE / 2
    assert host.shared_calls == 0


def test_patience_ends(opened):
    host = opened(callers=3, patience=0.05)
    np.testing.assert_array_equal(host.generate(chunk(2)), opened().generate(chunk(2)))


@pytest.mark.parametrize(
    "changes",
    [
        {"chunk": ChunkSpec(batches=False)},
        {"prepare": PrepareSpec(scope="track")},
    ],
    ids=["looks along time", "prepares a track"],
)
def test_what_depends_on_neighbours_or_tracks_is_never_shared(opened, changes):
    assert not can_share(spec(**changes))
    host = opened(callers=4, **changes)
    asked(host, [chunk(value) for value in range(1, 5)])
    assert host.calls == 4 and host.shared_calls == 0


def test_a_call_has_no_more_frames_than_declared(opened):
    host = opened(callers=6, patience=0.2, chunk=ChunkSpec(frames=4))
    asked(host, [chunk(value, frames=2) for value in range(1, 7)])
    assert max(host._generator.sizes) <= 4 and host.frames == 12


def test_crops_of_another_size_go_by_themselves(opened):
    host = opened(callers=3, patience=0.2)
    asked(host, [chunk(1), chunk(2, size=48), chunk(3)])
    assert sum(host._generator.sizes) == 3 and len(host._generator.sizes) >= 2
    assert not alike(chunk(1), chunk(2, size=48)) and alike(chunk(1), chunk(2, frames=4))


def test_notes_go_to_everybody(opened):
    made = asked(opened(callers=2, kind=Telling), [chunk(1), chunk(2, frames=2)])
    assert [one.note for one in made] == ["by the telling one"] * 2
    assert [len(one.images) for one in made] == [1, 2]


def test_prepared_rows_go_along():
    def with_rows(value, frames):
        rows = np.full((frames, 4), value, np.float32)
        return replace(chunk(value, frames), prepared={"latents": rows})

    both = joined([with_rows(1, 2), with_rows(2, 3)])
    assert both.prepared["latents"][:, 0].tolist() == [1, 1, 2, 2, 2]
    assert len(both) == 5 and both.crops.track == 1


@pytest.mark.parametrize("wrong", [None, np.zeros(()), np.zeros((2, 4, 4, 3))])
def test_what_is_no_array_of_as_many_frames_goes_to_all_as_it_is(wrong):
    chunks = [chunk(1), chunk(2, frames=2)]
    assert all(part is wrong for part in apart(wrong, chunks))


def test_many_callers_for_long_lose_nothing(opened):
    """Each caller asks again and again, at its own pace."""
    host, wrong = opened(callers=8, patience=0.001), []

    def caller(value):
        for _ in range(60):
            got = host.generate(chunk(value))
            if got[0, 0, 0, 0] != (10 * value % 200 + value):
                wrong.append(value)

    threads = [threading.Thread(target=caller, args=(value,)) for value in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and host.frames == 480 and not host._waiting
