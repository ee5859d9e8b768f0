"""Renders shot jobs, one after the other, and keeps the generator of the last one open."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from lipsync_core.engine.chain.failures import Attempt, StageFailure
from lipsync_core.engine.hosts.pool import Pool
from lipsync_core.engine.record.notes import note_file
from lipsync_core.engine.rendering.compositor import Compositor
from lipsync_core.engine.rendering.frame_renderer import FrameRenderer
from lipsync_core.engine.rendering.jobs import RenderSettings, ShotJob, ShotResult
from lipsync_core.engine.rendering.open_compositor import open_compositor
from lipsync_core.engine.rendering.open_renderer import open_frame_renderer
from lipsync_core.engine.rendering.segments import SegmentRenderer, missing_segments
from lipsync_core.errors import OutOfMemory
from lipsync_core.running.cancellation import NEVER, CancelToken
from lipsync_core.running.stopwatch import Stopwatch
from lipsync_core.running.threads import one_thread

__all__ = ["ShotWorker"]


class ShotWorker:
    """Renders jobs; used from one thread. Close it, or use it as a context manager.

    Args:
        pool: where opened generators come from.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._watch = Stopwatch()
        self._run: tuple[Path, Compositor, ExitStack] | None = None
        self._open: tuple[Path, str, FrameRenderer] | None = None

    def render(
        self,
        job: ShotJob,
        progress: Callable[[int], None] = lambda frames: None,
        cancel: CancelToken = NEVER,
    ) -> ShotResult:
        """Render what is missing of a shot.

        Args:
            job: the shot.
            progress: called with the number of its frames that are finished.
            cancel: stops the work between two frames; finished segments stay.

        Returns:
            What became of it. When the generator failed, nothing of the shot is left.

        Raises:
            LipsyncError: an error that no other generator would avoid: a user's mistake, a failed blender or
                enhancer, a full disk.
            Cancelled: it was cancelled.
        """
        settings, failure = job.settings, None
        segments = SegmentRenderer(
            settings.target, settings.video, settings.folder, settings.encoder, self._watch,
            progress, settings.emphasis, cancel,
        )  # fmt: skip
        with one_thread():
            try:
                missing = missing_segments(job.segments, job.generator, settings.folder)
                renderer = self._renderer(job) if missing else None
                segments.render(job.segments, renderer, job.generator)
            except (StageFailure, OutOfMemory) as error:
                failure = Attempt.of(job.generator, job.shot, error)
                self._close_renderer(failed=True)
                segments.forget(job.segments, job.generator)
                note_file(settings.folder, job.shot, job.generator).forget()
        stages, counters = self._watch.take()
        return ShotResult(
            shot=job.shot,
            generator=job.generator,
            failure=failure,
            stages=stages,
            counters=counters,
        )

    def close(self) -> None:
        """Give the generator back to the pool, close blender and enhancers."""
        self._close_renderer()
        self._close_run()

    def __enter__(self) -> ShotWorker:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.close()

    def _renderer(self, job: ShotJob) -> FrameRenderer | None:
        """The opened generator of a job: that of the job before, or one opened now."""
        settings, candidate = job.settings, job.candidate
        if candidate is None:
            return None
        assert job.features is not None
        known = (settings.folder, candidate.name)
        if self._open is None or self._open[:2] != known:
            self._close_renderer()
            renderer = open_frame_renderer(
                candidate,
                settings.target,
                job.features,
                settings.activity,
                self._compositor(settings),
                settings.rest,
                self._pool,
                self._watch,
            )
            self._open = (*known, renderer)
        renderer = self._open[2]
        notes = note_file(settings.folder, job.shot, candidate.name)
        renderer.runner.told = notes.add
        return renderer

    def _compositor(self, settings: RenderSettings) -> Compositor:
        """Blender and enhancers of a run, opened with its first shot."""
        if self._run is None or self._run[0] != settings.folder:
            self._close_run()
            with ExitStack() as resources:
                compositor = open_compositor(
                    settings.blender, settings.enhancers, settings.target.scheme, resources
                )
                self._run = (settings.folder, compositor, resources.pop_all())
        return self._run[1]

    def _close_run(self) -> None:
        opened, self._run = self._run, None
        if opened is not None:
            opened[2].close()

    def _close_renderer(self, *, failed: bool = False) -> None:
        opened, self._open = self._open, None
        if opened is not None:
            opened[2].close(failed=failed)
