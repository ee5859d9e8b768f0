"""Who renders shot jobs: an executor takes jobs and gives results, in any order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from types import TracebackType

from lipsync_core.engine.hosts.pool import Pool
from lipsync_core.engine.rendering.jobs import ShotJob, ShotResult
from lipsync_core.engine.rendering.worker import ShotWorker
from lipsync_core.running.cancellation import NEVER, CancelToken

__all__ = ["Executor", "LocalExecutor", "ShotProgress"]

ShotProgress = Callable[[int, int], None]
"""Called with a shot's number and how many of its frames are finished."""


class Executor(ABC):
    """Renders jobs here or elsewhere. Whoever submits them decides what follows a failure.

    Attributes:
        capacity: jobs that it renders at the same time; no more are submitted before a result is taken.
    """

    capacity: int = 1

    @abstractmethod
    def submit(self, job: ShotJob) -> None:
        """Take a job; it may be begun at once."""

    @abstractmethod
    def result(self) -> ShotResult:
        """Wait for the next result of a submitted job.

        Raises:
            LipsyncError: an error that no other generator would avoid; see `ShotWorker.render`.
            Cancelled: the work was cancelled.
        """

    @abstractmethod
    def close(self) -> None:
        """Stop what is running and release everything."""

    def __enter__(self) -> Executor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class LocalExecutor(Executor):
    """Renders one job after the other, in the thread that asks for results.

    Args:
        pool: where opened generators come from.
        progress: told as frames are finished.
        cancel: stops the work between two frames.
    """

    def __init__(
        self,
        pool: Pool,
        progress: ShotProgress = lambda shot, frames: None,
        cancel: CancelToken = NEVER,
    ) -> None:
        self._worker = ShotWorker(pool)
        self._progress = progress
        self._cancel = cancel
        self._jobs: deque[ShotJob] = deque()

    def submit(self, job: ShotJob) -> None:
        """Take a job; it is rendered when its result is requested."""
        self._jobs.append(job)

    def result(self) -> ShotResult:
        """Render the next job; see `Executor.result`."""
        job = self._jobs.popleft()
        self._cancel.check()
        return self._worker.render(
            job, lambda frames: self._progress(job.shot, frames), self._cancel
        )

    def close(self) -> None:
        """Release the worker's generator, blender and enhancers."""
        self._worker.close()
