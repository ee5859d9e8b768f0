"""Takes the shots of a run through the chain: the first generator that works makes the whole shot."""

from __future__ import annotations

import contextlib
from collections import Counter, deque
from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from lipsync_core.engine.audio_analysis import AudioAnalysis
from lipsync_core.engine.chain.failures import (
    MAX_FAILED_SHOTS,
    Attempt,
    StageFailure,
    failed,
)
from lipsync_core.engine.chain.resolve import Candidate
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
        analysis: encodes the audio for a generator when it is first tried.
        workspace: remembers which generator made which shot, for a resumed run.
        progress: analysis.
        watch: where time is booked.

    Attributes:
        attempts: every failed try so far.
    """

    def __init__(
        self,
        settings: RenderSettings,
        candidates: Sequence[Candidate],
        attempts: Sequence[Attempt],
        analysis: AudioAnalysis,
        workspace: Workspace,
        progress: Progress,
        watch: Stopwatch,
    ) -> None:
        self.attempts = list(attempts)
        self._settings = settings
        self._candidates = candidates
        self._analysis = analysis
        self._workspace = workspace
        self._progress = progress
        self._watch = watch
        self._failures: Counter[str] = Counter()
        self._done: dict[int, int] = {}
        self._frames_done = 0

    def listen(self) -> None:
        """Encode the audio for the first generator; what fails here is met again, and told, at its shot."""
        with contextlib.suppress(StageFailure, OutOfMemory):
            self._analysis.features(self._candidates[0])

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
        own = {shot: tuple(group) for shot, group in groupby(segments, key=lambda s: s.shot)}
        faces = np.flatnonzero(self._settings.target.reasons() == 0)
        earlier = self._workspace.shots_made()
        for shot, parts in own.items():
            known = earlier.get(shot)
            if known is not None and not missing_segments(parts, known, self._settings.folder):
                made[shot] = known
                self.advance(shot, parts[-1].stop - parts[0].start)
            else:
                waiting.append((shot, 0))
        running = 0
        while waiting or running:
            while waiting and running < executor.capacity:
                shot, link = waiting.popleft()
                following = self._job(own[shot], link, faces)
                if following is None:
                    here = [attempt for attempt in self.attempts if attempt.shot == shot]
                    raise failed(here or self.attempts, shot)
                executor.submit(following)
                running += 1
            result = executor.result()
            running -= 1
            self._watch.merge(result.stages, result.counters)
            if result.failure is None:
                made[result.shot] = result.generator
                self._workspace.note_shot(result.shot, result.generator)
            else:
                waiting.appendleft((result.shot, self._failed(result, result.failure)))
        return dict(sorted(made.items()))

    def advance(self, shot: int, frames: int) -> None:
        """So many frames of a shot are finished; a shot that is begun anew starts from 0 again."""
        self._frames_done += frames - self._done.get(shot, 0)
        self._done[shot] = frames
        self._progress.advance(self._frames_done)

    def _job(
        self, segments: tuple[Segment, ...], link: int, faces: NDArray[np.int64]
    ) -> ShotJob | None:
        """The job for a shot.

        Args:
            segments: of the shot.
            link: of the chain, from which on generators are tried.
            faces: ascending output frames that get a new mouth.

        Returns:
            None where the chain has ended.
        """
        shot = segments[0].shot
        first, last = np.searchsorted(faces, (segments[0].start, segments[-1].stop))
        if first == last:
            return ShotJob(settings=self._settings, shot=shot, segments=segments)
        for candidate in self._candidates[link:]:
            if self._failures[candidate.name] >= MAX_FAILED_SHOTS:
                continue
            try:
                features = self._analysis.features(candidate)
            except (StageFailure, OutOfMemory) as error:
                self._book(Attempt.of(candidate.name, shot, error))
                continue
            return ShotJob(
                settings=self._settings,
                shot=shot,
                segments=segments,
                candidate=candidate,
                features=features,
            )
        return None

    def _failed(self, result: ShotResult, failure: Attempt) -> int:
        """Book a failure; the link of the chain that is tried next."""
        self._book(failure)
        self.advance(result.shot, 0)
        names = [candidate.name for candidate in self._candidates]
        return names.index(result.generator) + 1

    def _book(self, attempt: Attempt) -> None:
        # What cannot be opened once cannot be opened later.
        self._failures[attempt.generator] += MAX_FAILED_SHOTS if attempt.phase == "open" else 1
        self.attempts.append(attempt)
        self._progress.note(
            f"{attempt.generator} failed in shot {attempt.shot} ({attempt.phase}): {attempt.reason}"
        )
