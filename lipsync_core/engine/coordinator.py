"""Takes the shots of a run through the chain: the first generator that works makes the whole shot."""

from __future__ import annotations

import contextlib
from collections import Counter, deque
from collections.abc import Sequence

import numpy as np

from lipsync_core.engine.chain.failures import (
    MAX_FAILED_SHOTS,
    Attempt,
    StageFailure,
    failed,
)
from lipsync_core.engine.chain.resolve import Candidate
from lipsync_core.engine.listening import Listener
from lipsync_core.engine.record.workspace import Workspace
from lipsync_core.engine.rendering.executor import Executor
from lipsync_core.engine.rendering.jobs import RenderSettings, ShotJob, ShotResult
from lipsync_core.engine.rendering.segments import Segment, missing_segments
from lipsync_core.errors import OutOfMemory
from lipsync_core.running.progress import Progress
from lipsync_core.running.stopwatch import Stopwatch


class ShotCoordinator:
    """Hands shots to an executor, and decides what follows when a generator fails.

    Args:
        settings: what all shots share.
        candidates: generators to try, in order.
        attempts: what failed before rendering.
        listener: encodes the audio for a generator when it is first tried.
        workspace: remembers which generator made which shot, for a resumed run.
        progress: listener.
        watch: where time is booked.

    Attributes:
        attempts: every failed try so far.
    """

    def __init__(
        self,
        settings: RenderSettings,
        candidates: Sequence[Candidate],
        attempts: Sequence[Attempt],
        listener: Listener,
        workspace: Workspace,
        progress: Progress,
        watch: Stopwatch,
    ) -> None:
        self.attempts = list(attempts)
        self._settings = settings
        self._candidates = candidates
        self._listener = listener
        self._workspace = workspace
        self._progress = progress
        self._watch = watch
        self._failures: Counter[str] = Counter()
        self._failed_in: dict[int, list[Attempt]] = {}
        self._done: dict[int, int] = {}

    def listen(self) -> None:
        """Encode the audio for the first generator; what fails here is met again, and told, at its shot."""
        with contextlib.suppress(StageFailure, OutOfMemory):
            self._listener.features(self._candidates[0])

    def render(self, segments: Sequence[Segment], executor: Executor) -> dict[int, str]:
        """Render all segments.

        Returns:
            Shot number -> the generator that made it (`PASSTHROUGH` where there was no usable face).

        Raises:
            GenerationFailed: no generator of the chain could make a shot.
            LipsyncError: see `Executor.result`.
        """
        made: dict[int, str] = {}
        waiting: deque[tuple[int, int]] = deque()
        shots = self._settings.target.shots()
        own = [tuple(s for s in segments if s.shot == shot) for shot in range(len(shots))]
        earlier = self._workspace.shots_made()
        for shot in range(len(shots)):
            known = earlier.get(shot)
            if known is not None and not missing_segments(own[shot], known, self._settings.folder):
                made[shot] = known
                self.advance(shot, sum(s.stop - s.start for s in own[shot]))
            else:
                waiting.append((shot, 0))
        running = 0
        while waiting or running:
            while waiting and running < executor.capacity:
                shot, link = waiting.popleft()
                following = self._job(shot, link, own[shot])
                if following is None:
                    raise failed(self._failed_in.get(shot) or self.attempts, shot)
                executor.submit(following)
                running += 1
            result = executor.result()
            running -= 1
            self._watch.merge(result.stages, result.counters)
            if result.failure is None:
                made[result.shot] = result.generator
                self._workspace.note_shot(result.shot, result.generator)
            else:
                waiting.appendleft((result.shot, self._failed(result)))
        return dict(sorted(made.items()))

    def advance(self, shot: int, frames: int) -> None:
        """So many frames of a shot are finished; a shot that is begun anew starts from 0 again."""
        self._done[shot] = frames
        self._progress.advance(sum(self._done.values()))

    def _job(self, shot: int, link: int, segments: tuple[Segment, ...]) -> ShotJob | None:
        """The job for a shot, from a link of the chain on; None where the chain has ended."""
        start, stop = self._settings.target.shots()[shot]
        if not np.any(self._settings.target.reasons()[start:stop] == 0):
            return ShotJob(settings=self._settings, shot=shot, segments=segments)
        for candidate in self._candidates[link:]:
            if self._failures[candidate.name] >= MAX_FAILED_SHOTS:
                continue
            try:
                features = self._listener.features(candidate)
            except (StageFailure, OutOfMemory) as error:
                phase = error.phase if isinstance(error, StageFailure) else "generate"
                hint = error.hint
                self._book(
                    Attempt(
                        generator=candidate.name,
                        phase=phase,
                        shot=shot,
                        reason=str(error),
                        hint=hint,
                    )
                )
                continue
            return ShotJob(
                settings=self._settings,
                shot=shot,
                segments=segments,
                candidate=candidate,
                features=features,
            )
        return None

    def _failed(self, result: ShotResult) -> int:
        """Book a failure; the link of the chain that is tried next."""
        assert result.failure is not None
        self._book(result.failure)
        self.advance(result.shot, 0)
        names = [candidate.name for candidate in self._candidates]
        return names.index(result.generator) + 1

    def _book(self, attempt: Attempt) -> None:
        shot = attempt.shot if attempt.shot is not None else -1
        # What cannot be opened once cannot be opened later.
        self._failures[attempt.generator] += MAX_FAILED_SHOTS if attempt.phase == "open" else 1
        self._failed_in.setdefault(shot, []).append(attempt)
        self.attempts.append(attempt)
        self._progress.note(
            f"{attempt.generator} failed in shot {shot} ({attempt.phase}): {attempt.reason}"
        )
