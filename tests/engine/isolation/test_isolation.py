"""A generator in a process of its own: the same pictures, the same failures, and a crash is one of them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import fakes
import numpy as np
import pytest

from lipsync_core.contracts import OpenContext
from lipsync_core.engine.isolation import blocks
from lipsync_core.engine.isolation.generator import IsolatedGenerator
from lipsync_core.engine.live.session import Session
from lipsync_core.errors import (
    GenerationFailed,
    OutOfMemory,
    PluginFault,
    PluginUnavailable,
    UsageError,
)
from lipsync_core.records import Chunk, Crops
from lipsync_core.requests import PluginSettings


class Segfaults(fakes.Faulty):
    def spoil(self, made, chunk):
        ctypes.string_at(0)


class IsKilled(fakes.Faulty):
    def spoil(self, made, chunk):
        os.kill(os.getpid(), signal.SIGKILL)


class LeavesWithWords(fakes.Faulty):
    def spoil(self, made, chunk):
        os.write(2, b"terminate called: device-side assert\n")
        os._exit(3)


class SegfaultsAtOpen(fakes.Painter):
    def open(self, context):
        ctypes.string_at(0)


class OwnError(PluginUnavailable):
    """As a plugin may define one."""


class RaisesOwn(fakes.Faulty):
    def spoil(self, made, chunk):
        raise OwnError("The licence server is away.", "Wait.")


class Talkative(fakes.Painter):
    """Prints where the run listens, and changes what it was given."""

    def generate(self, chunk):
        sys.stdout.write("frames\n")
        sys.stdout.flush()
        os.write(1, b"from a C library\n")
        made = super().generate(chunk)
        chunk.crops.images[:] = 0
        return made


class Doubler(fakes.Painter):
    """Its answers grow; what it prepared comes back with the chunk."""

    def prepare(self, crops):
        return {"mean": crops.images.mean((1, 2, 3)), "none": np.zeros((0, 3), np.float32)}

    def generate(self, chunk):
        assert chunk.prepared["none"].shape == (0, 3)
        return np.repeat(chunk.crops.images, 2, 0)


class Sleeper(fakes.Painter):
    def generate(self, chunk):
        time.sleep(600)


SHARED = Path("/dev/shm")


def faulty(kind, name="faulty", **changes):
    """A spec for a class of this file, or of the fakes."""
    factory = f"{kind.__module__}:{kind.__name__}"
    return fakes.spec(name, kind, **({"factory": factory} | changes))


@pytest.mark.parametrize(
    ("kind", "phase", "told"),
    [
        (Segfaults, "generate", "its process crashed (SIGSEGV)"),
        (IsKilled, "generate", "its process was killed (SIGKILL)"),
        (LeavesWithWords, "generate", "exit code 3 (last words: terminate called: device-side"),
        (SegfaultsAtOpen, "open", "its process crashed (SIGSEGV)"),
        (RaisesOwn, "generate", "The licence server is away."),
        (fakes.RaisesAtOpen, "open", "RuntimeError: cannot load weights"),
        (fakes.UnavailableAtOpen, "open", "another variant"),
        (fakes.RaisesAtThird, "generate", "ValueError: index 16 is out of bounds"),
        (fakes.Black, "check", "black"),
        (fakes.NotANumber, "check", "NaN"),
        (fakes.TooFew, "check", "shape"),
        (fakes.Nothing, "check", "NoneType"),
        (fakes.OutOfMemoryAlways, "generate", "out of memory"),
    ],
    ids=lambda v: getattr(v, "__name__", None),
)
def test_whatever_happens_in_it_moves_the_chain_on(face_clip, voice, job, kind, phase, told):
    done = job(
        face_clip,
        voice,
        registry=fakes.registry(faulty(kind), fakes.spec("painter")),
        generators=("faulty", "painter"),
        isolate=("faulty",),
    )
    assert done.numbers() == list(range(30))
    assert done.report["chain"]["used"] == {"painter": 30}
    assert done.report["chain"]["isolated"] == ["faulty"]
    (attempt,) = done.report["chain"]["attempts"]
    assert (attempt["generator"], attempt["phase"], attempt["shot"]) == ("faulty", phase, 0)
    assert told in attempt["reason"]


@pytest.mark.parametrize("name", ["painter", "viseme"])
def test_the_pictures_are_the_same(face_clip, voice, job, name):
    registry = fakes.registry(fakes.spec("painter"))
    alone = job(face_clip, voice, "alone.mp4", registry, generators=(name,), isolate=(name,))
    within = job(face_clip, voice, "within.mp4", registry, generators=(name,))
    assert alone.report["chain"]["used"] == {name: 30}
    for a, b in zip(alone.frames(), within.frames(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_it_prints_and_does_to_its_inputs_stays_with_it(face_clip, voice, job, capfd):
    registry = fakes.registry(faulty(Talkative, "painter"))
    done = job(face_clip, voice, registry=registry, generators=("painter",), isolate=("painter",))
    plain = fakes.registry(fakes.spec("painter"))
    like = job(face_clip, voice, "plain.mp4", plain, generators=("painter",))
    np.testing.assert_array_equal(done.frames(), like.frames())
    assert "C library" not in "".join(capfd.readouterr())


def test_out_of_memory_gets_one_smaller_try(face_clip, voice, job):
    registry = fakes.registry(fakes.spec("big", fakes.OutOfMemoryOnce))
    report = job(face_clip, voice, registry=registry, generators=("big",), isolate=("big",)).report
    assert report["chain"]["used"] == {"big": 30}
    assert report["chain"]["attempts"] == []


def test_a_users_mistake_stays_one(face_clip, voice, job):
    registry = fakes.registry(fakes.spec("picky", fakes.UsersMistake), fakes.spec("painter"))
    with pytest.raises(UsageError, match="size=7"):
        job(face_clip, voice, registry=registry, generators=("picky",), isolate=("picky",))
    with pytest.raises(UsageError, match="'painter', which this run does not try") as told:
        job(face_clip, voice, registry=registry, generators=("picky",), isolate=("painter",))
    assert "picky, viseme" in told.value.hint


def test_strict_says_that_it_crashed(face_clip, voice, job, tmp_path):
    registry = fakes.registry(faulty(Segfaults))
    with pytest.raises(GenerationFailed, match=r"faulty \(generate\): its process crashed"):
        job(
            face_clip,
            voice,
            registry=registry,
            generators=("faulty",),
            isolate=("faulty",),
            strict=True,
        )
    assert list(tmp_path.iterdir()) == []


def test_a_live_session_takes_the_next_one(face_clip):
    registry = fakes.registry(faulty(Segfaults), fakes.spec("painter"))
    chosen = PluginSettings(generators=("faulty", "painter"), isolate=("faulty",))
    with Session(face_clip, chosen, silence="generate", registry=registry) as session:
        session.push_audio(np.zeros(16000, np.float32))
        session.flush()
        frames = session.frames()
        for _ in range(3):
            next(frames)
        assert [a.generator for a in session.attempts] == ["faulty"]
        assert "SIGSEGV" in session.attempts[0].reason


def chunk(size, prepared=None):
    """`size` crops of noise."""
    images = np.random.default_rng(size).integers(0, 255, (size, 96, 96, 3), np.uint8)
    crops = Crops(
        frames=np.arange(size),
        track=0,
        images=images,
        matrices=np.zeros((size, 2, 3)),
        landmarks=np.zeros((size, 68, 2), np.float32),
        scheme="68",
    )
    return Chunk(
        crops=crops,
        features=np.zeros((size, 16, 80), np.float32),
        strength=np.ones(size, np.float32),
        prepared=prepared or {},
    )


@dataclass
class Opened:
    """An isolated generator outside of any run."""

    generator: IsolatedGenerator

    def __enter__(self):
        self.generator.open(OpenContext())
        return self.generator

    def __exit__(self, *_):
        self.generator.close()
        self.generator.close()


def test_answers_may_grow_and_stay_the_callers_own():
    with Opened(IsolatedGenerator(faulty(Doubler))) as generator:
        made = []
        for size in (1, 40, 7):
            given = chunk(size)
            prepared = generator.prepare(given.crops)
            assert prepared["mean"].shape == (size,)
            made.append(generator.generate(chunk(size, prepared)))
        for size, pictures in zip((1, 40, 7), made, strict=True):
            np.testing.assert_array_equal(pictures, np.repeat(chunk(size).crops.images, 2, 0))
            pictures[:] = 1


def test_no_shared_memory_is_left_behind():
    before = set(SHARED.iterdir())
    with Opened(IsolatedGenerator(faulty(Doubler))) as generator:
        generator.generate(chunk(3, generator.prepare(chunk(3).crops)))
        assert set(SHARED.iterdir()) > before
    with pytest.raises(PluginFault), Opened(IsolatedGenerator(faulty(Segfaults))) as generator:
        generator.generate(chunk(3))
    assert set(SHARED.iterdir()) == before


def test_too_little_shared_memory_is_said(monkeypatch):
    monkeypatch.setattr(blocks.shutil, "disk_usage", lambda _: _Usage(1000))
    with (
        Opened(IsolatedGenerator(faulty(Doubler))) as generator,
        pytest.raises(PluginFault, match=r"Shared memory is too small: 1 MiB are needed") as told,
    ):
        generator.generate(chunk(40))
    assert "--shm-size" in told.value.hint


@dataclass
class _Usage:
    free: int


def test_errors_keep_their_kind():
    with (
        Opened(IsolatedGenerator(faulty(fakes.OutOfMemoryOnce))) as generator,
        pytest.raises(OutOfMemory, match="4 frames fit"),
    ):
        generator.generate(chunk(5))
    with (
        Opened(IsolatedGenerator(faulty(RaisesOwn))) as generator,
        pytest.raises(PluginUnavailable, match="licence server") as told,
    ):
        generator.generate(chunk(1))
    assert told.value.hint == "Wait."


def test_after_its_end_it_says_so():
    generator = IsolatedGenerator(faulty(fakes.Painter, "painter"))
    with Opened(generator):
        pass
    with pytest.raises(PluginFault, match="'painter' has no process any more"):
        generator.generate(chunk(1))


_RUN = """
import sys
sys.path[:0] = {paths!r}
from engine.isolation.test_isolation import IsolatedGenerator, OpenContext, Sleeper, chunk, faulty
generator = IsolatedGenerator(faulty(Sleeper))
generator.open(OpenContext())
print(generator._process.pid, flush=True)
generator.generate(chunk(2))
"""


def test_the_worker_ends_with_a_run_that_is_killed():
    paths = [p for p in sys.path if p]
    run = subprocess.Popen(
        [sys.executable, "-c", _RUN.format(paths=paths)], stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    worker = int(run.stdout.readline())
    run.kill()
    run.wait()
    run.stdout.close()
    deadline = time.monotonic() + 20
    alive = Path(f"/proc/{worker}")
    while alive.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive.exists()
