"""Shot jobs are plain data: another process renders them from their serialised form, with the same result."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path

import fakes
import pytest
from facefactory import face_frame, write_picture

from lipsync_core.engine import plan as planning
from lipsync_core.engine import run as engine
from lipsync_core.engine.audio_analysis import AudioAnalysis
from lipsync_core.engine.hosts.pool import Pool
from lipsync_core.engine.rendering.executor import Executor, LocalExecutor
from lipsync_core.engine.rendering.jobs import RenderSettings, ShotJob, ShotResult
from lipsync_core.engine.rendering.worker import ShotWorker
from lipsync_core.errors import GenerationFailed
from lipsync_core.media.edits import Edit, EditList
from lipsync_core.requests import RunRequest
from lipsync_core.running.progress import Progress
from lipsync_core.running.stopwatch import Stopwatch

ELSEWHERE = """
import pickle, sys
from pathlib import Path
from lipsync_core.engine.hosts.pool import Pool
from lipsync_core.engine.rendering.worker import ShotWorker

jobs = pickle.loads(Path(sys.argv[1]).read_bytes())
with Pool() as pool, ShotWorker(pool) as worker:
    results = [worker.render(job) for job in jobs]
Path(sys.argv[2]).write_bytes(pickle.dumps(results))
"""


@contextmanager
def jobs_of(target, audio, folder: Path, registry=None, **choices) -> Iterator[list[ShotJob]]:
    """The jobs of a run, one a shot, as the coordinator makes them for the first generator."""
    request = RunRequest.of(target, audio, folder / "out.mp4", segment_seconds=1, **choices)
    plan = planning.plan(request, registry=registry)
    segments = folder / "segments"
    segments.mkdir()
    with closing(plan.inputs.target) as seen:
        analysis = AudioAnalysis(plan.inputs.sound, seen, folder, Progress(), Stopwatch())
        settings = RenderSettings(
            target=seen,
            folder=segments,
            video=plan.video,
            encoder=plan.settings,
            blender=plan.plugins.blender,
            enhancers=plan.plugins.enhancers,
            rest=plan.plugins.rest,
            activity=analysis.activity(),
        )
        first = plan.plugins.candidates[0]
        yield [
            ShotJob(
                settings=settings,
                shot=shot,
                segments=tuple(s for s in plan.segments if s.shot == shot),
                candidate=first,
                features=analysis.features(first),
            )
            for shot in range(len(seen.shots()))
        ]


def moved(job: ShotJob, folder: Path) -> ShotJob:
    """The same job with segments of its own."""
    folder.mkdir(exist_ok=True)
    return replace(job, settings=replace(job.settings, folder=folder))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def elsewhere(jobs: list[ShotJob], folder: Path) -> list[ShotResult]:
    """Render jobs in another process, which gets nothing but their serialised form."""
    sent, answer = folder / "jobs.pickle", folder / "results.pickle"
    sent.write_bytes(pickle.dumps(jobs))
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(sent), str(answer)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return pickle.loads(answer.read_bytes())


@pytest.fixture
def picture(tmp_path):
    return write_picture(tmp_path / "still.png", face_frame(0))


@pytest.mark.parametrize("kind", ["video", "picture", "edits"])
def test_another_process_makes_the_same_segments(kind, face_clip, picture, voice, tmp_path):
    target = {"video": face_clip, "picture": picture}.get(kind) or edit_list(face_clip, tmp_path)
    choices = {"enhancers": (("sharpen", 0.5),)}
    with jobs_of(target, voice, tmp_path, **choices) as jobs:
        with Pool() as pool, ShotWorker(pool) as worker:
            here = [worker.render(job) for job in jobs]
        there = elsewhere([moved(job, tmp_path / "there") for job in jobs], tmp_path)
        assert contents(jobs[0].settings.folder) == contents(tmp_path / "there")
    assert [(r.shot, r.generator, r.failure) for r in there] == [
        (r.shot, r.generator, r.failure) for r in here
    ]
    assert {name for r in there for name in r.stages} >= {"open", "crop", "generate", "encode"}


def edit_list(clip: Path, folder: Path) -> Path:
    """Talk, silence, talk again: three shots of one clip."""
    path = folder / "talk.edits.json"
    edits = EditList(
        frame_rate=Fraction(25),
        edits=(
            Edit(clip=clip, kind="talk", first=0, frames=10),
            Edit(clip=clip, kind="silence", first=10, frames=10),
            Edit(clip=clip, kind="talk", first=20, frames=10),
        ),
    )
    path.write_text(edits.text(folder), "utf-8")
    return path


def test_a_failure_travels_back_as_data(face_clip, voice, tmp_path):
    registry = fakes.registry(fakes.spec("faulty", fakes.RaisesAtThird))
    with jobs_of(face_clip, voice, tmp_path, registry, generators=("faulty",)) as (job,):
        (result,) = elsewhere([job], tmp_path)
    assert (result.failure.phase, result.failure.shot) == ("generate", 0)
    assert "index 16 is out of bounds" in result.failure.reason
    assert contents(job.settings.folder) == {}, "nothing of a shot that failed is left"


def test_only_what_is_missing_is_rendered(face_clip, voice, tmp_path):
    registry = fakes.registry(fakes.spec("sizes", fakes.Sizes))
    with (
        jobs_of(face_clip, voice, tmp_path, registry, generators=("sizes",)) as (job,),
        Pool() as pool,
        ShotWorker(pool) as worker,
    ):
        told: list[int] = []
        worker.render(job, told.append)
        assert told[-1] == job.frames == 30 and told == sorted(told)
        before = contents(job.settings.folder)
        (job.settings.folder / "000001-sizes.nut").unlink()
        fakes.Sizes.sizes.clear()
        worker.render(job)
        assert sum(fakes.Sizes.sizes) < 30
        assert contents(job.settings.folder) == before
        fakes.Sizes.sizes.clear()
        worker.render(job)
        assert fakes.Sizes.sizes == []


class ProcessExecutor(Executor):
    """Renders each job in a process of its own, two at a time; gives results as they come."""

    capacity = 2

    def __init__(self) -> None:
        self._processes = ProcessPoolExecutor(2, get_context("spawn"))
        self._running: deque[Future[ShotResult]] = deque()
        self.results: list[ShotResult] = []

    def submit(self, job: ShotJob) -> None:
        assert len(self._running) < self.capacity
        self._running.append(self._processes.submit(render_alone, pickle.dumps(job)))

    def result(self) -> ShotResult:
        while True:
            for future in self._running:
                if future.done():
                    self._running.remove(future)
                    self.results.append(future.result())
                    return self.results[-1]

    def close(self) -> None:
        self._processes.shutdown()


def render_alone(job: bytes) -> ShotResult:
    with Pool() as pool, ShotWorker(pool) as worker:
        return worker.render(pickle.loads(job))


def test_an_executor_elsewhere_makes_the_same_video(face_clip, voice, tmp_path, monkeypatch):
    """Several shots, a generator that fails in some of them: the chain's story is that of a local run."""
    edits = edit_list(face_clip, tmp_path)
    registry = fakes.registry(
        fakes.spec("faulty", fakes.RaisesAtThird, streams=False, chunk=fakes.ChunkSpec(frames=2)),
        fakes.spec("painter"),
    )

    def made(name):
        chain = {"generators": ("faulty", "painter"), "silence": "generate"}
        request = RunRequest.of(edits, voice, tmp_path / name, **chain)
        report = engine.run(request, registry=registry)
        return report["chain"], (tmp_path / name).read_bytes()

    local, video = made("local.mp4")
    executors: list[ProcessExecutor] = []

    def other(*_):
        executors.append(ProcessExecutor())
        return executors[-1]

    monkeypatch.setattr(engine, "LocalExecutor", other)
    remote, same = made("remote.mp4")
    assert remote["shots"] == local["shots"]
    assert sorted(remote["attempts"], key=str) == sorted(local["attempts"], key=str)
    assert len(local["attempts"]) == 2 and len(executors[0].results) == 5
    assert len(same) == len(video)


def test_a_shot_that_nobody_can_make_ends_the_run(face_clip, voice, tmp_path):
    registry = fakes.registry(
        fakes.spec("faulty", fakes.Black), fakes.spec("other", fakes.NotANumber)
    )
    request = RunRequest.of(
        face_clip, voice, tmp_path / "o.mp4", generators=("faulty", "other"), strict=True,
        silence="generate",
    )  # fmt: skip
    with pytest.raises(GenerationFailed, match=r"faulty \(check\).*other \(check\)"):
        engine.run(request, registry=registry)
    assert not (tmp_path / "o.mp4").exists()


def test_the_local_executor_counts_frames_by_shot(face_clip, voice, tmp_path):
    told: dict[int, int] = {}
    with (
        jobs_of(edit_list(face_clip, tmp_path), voice, tmp_path) as jobs,
        Pool() as pool,
        LocalExecutor(pool, told.__setitem__) as executor,
    ):
        for job in jobs:
            executor.submit(job)
        results = [executor.result() for _ in jobs]
    assert [r.shot for r in results] == [0, 1, 2]
    assert told == {0: 10, 1: 10, 2: 10}
    assert [r.failure for r in results] == [None] * 3


def test_a_worker_opens_blender_and_enhancers_once_a_run(face_clip, voice, tmp_path):
    registry = fakes.registry(fakes.enhancer(fakes.Reddener))
    choices = {"enhancers": (("red", 1.0),), "registry": registry}
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    with Pool() as pool, ShotWorker(pool) as worker:
        with jobs_of(face_clip, voice, tmp_path / "one", **choices) as (job,):
            worker.render(job)
            opened = worker._run
            again = moved(job, tmp_path / "one" / "segments")
            (tmp_path / "one" / "segments" / "000000-viseme.nut").unlink()
            worker.render(again)
            assert worker._run is opened
        with jobs_of(face_clip, voice, tmp_path / "other", **choices) as (job,):
            worker.render(job)
            assert worker._run is not opened, "another run"
        assert len(pool.entries()) == 1


def test_a_generator_that_failed_twice_is_not_tried_a_third_time(face_clip, voice, tmp_path):
    """Of three shots with a face it makes none; when nobody is left, the run ends with all that was tried."""
    edits = EditList(
        frame_rate=Fraction(25),
        edits=tuple(Edit(clip=face_clip, kind="talk", first=n, frames=8) for n in (0, 10, 20)),
    )
    path = tmp_path / "three.edits.json"
    path.write_text(edits.text(tmp_path), "utf-8")
    registry = fakes.registry(fakes.spec("faulty", fakes.Black))
    chain = {"generators": ("faulty",), "silence": "generate"}
    request = RunRequest.of(path, voice, tmp_path / "o.mp4", **chain)
    report = engine.run(request, registry=registry)
    assert [a["shot"] for a in report["chain"]["attempts"]] == [0, 1]
    assert {s["generator"] for s in report["chain"]["shots"]} == {"viseme"}
    alone = RunRequest.of(path, voice, tmp_path / "o2.mp4", strict=True, **chain)
    with pytest.raises(GenerationFailed, match="shot 0"):
        engine.run(alone, registry=registry)
