"""Shot after shot through the chain: the first generator that works makes the whole shot."""

from __future__ import annotations

import contextlib
from contextlib import ExitStack
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np

from lipsync_core.engine.chain.failures import (
    MAX_FAILED_SHOTS,
    Attempt,
    StageFailure,
    guarded,
    raise_failed,
)
from lipsync_core.engine.chain.resolve import Candidate
from lipsync_core.engine.inputs import Inputs
from lipsync_core.engine.record.notes import Notes
from lipsync_core.engine.record.workspace import Workspace
from lipsync_core.engine.rendering.compositor import Compositor
from lipsync_core.engine.rendering.frame_renderer import FrameRenderer
from lipsync_core.engine.rendering.open_compositor import open_compositor
from lipsync_core.engine.rendering.open_renderer import open_frame_renderer
from lipsync_core.engine.rendering.segments import PASSTHROUGH, Segment, SegmentRenderer
from lipsync_core.errors import LipsyncError, OutOfMemory
from lipsync_core.media.sound import read_mono
from lipsync_core.registry import Registry
from lipsync_core.registry.opening import open_encoder
from lipsync_core.requests import RunRequest
from lipsync_core.running.progress import Progress
from lipsync_core.running.stopwatch import Stopwatch
from lipsync_core.specs import AudioEncoderSpec
from lipsync_core.voice import activity as voice_activity
from lipsync_core.voice.features import VARIABLE_RATE_CLOCK, FeatureFile, RowStream, encode


class ShotLoop:
    """Keeps opened generators and walks through the shots.

    Args:
        candidates: generators to try, in order.
        attempts: what failed before; grows.
        request: the job.
        inputs: target and voice.
        registry: where plugins come from.
        workspace: where features go, and what is noted for a later try.
        watch: where time is booked.

    Attributes:
        attempts: every failed try so far.
        judge: what decided about voice activity ("" when it was not asked).
        speech_share: share of the frames with somebody speaking, or None.
        notes: what generators said of their frames.
    """

    def __init__(
        self,
        candidates: list[Candidate],
        attempts: list[Attempt],
        request: RunRequest,
        inputs: Inputs,
        registry: Registry,
        workspace: Workspace,
        watch: Stopwatch,
    ) -> None:
        self.attempts = list(attempts)
        self.judge = ""
        self.speech_share: float | None = None
        self._journal = workspace.journal()
        self.notes = Notes(workspace.note, self._journal)
        self._candidates = candidates
        self._request = request
        self._inputs = inputs
        self._target = inputs.target
        self._registry = registry
        self._workspace = workspace
        self._watch = watch
        self._clock = (
            VARIABLE_RATE_CLOCK if self._target.variable_rate else self._target.video.frame_rate
        )
        self._failed_shots: dict[str, int] = {}
        self._renderers: dict[str, FrameRenderer] = {}
        self._features: dict[str, FeatureFile] = {}
        self._compositor: Compositor | None = None
        self._activity: FeatureFile | None = None
        self._progress = Progress()

    def open(self, progress: Progress, resources: ExitStack) -> None:
        """Open what all generators share, and listen for speech.

        Raises:
            LipsyncError: a blender or enhancer that the user asked for cannot be used.
        """
        self._progress = progress
        resources.callback(self._close_renderers)
        self._compositor = open_compositor(
            self._registry, self._request, self._target.scheme, resources
        )
        if self._request.silence != "generate":
            stream = voice_activity.ActivityStream(self._clock)
            self.judge = stream.judge.name
            self._activity = self._encoded(
                "activity", stream, (), voice_activity.SAMPLE_RATE, "Voice activity"
            )
            times = (self._target.time(k) for k in range(self._target.frames))
            self.speech_share = round(float(np.mean(self._activity.at(times) > 0.5)), 4)
        with contextlib.suppress(StageFailure, OutOfMemory):  # met again, and told, at its shot
            self._renderer_of(self._candidates[0])

    def render(
        self, segments: list[Segment], renderer: SegmentRenderer, progress: Progress
    ) -> dict[int, str]:
        """Render all segments.

        Returns:
            Shot number -> the generator that made it (`PASSTHROUGH` where there was no face).

        Raises:
            GenerationFailed: no generator of the chain could make a shot.
        """
        made: dict[int, str] = {}
        earlier = {e["shot"]: e["generator"] for e in self._journal if "shot" in e}
        reasons = self._target.reasons()
        for shot, (start, stop) in enumerate(self._target.shots()):
            own = [s for s in segments if s.shot == shot]
            known = earlier.get(shot)
            if known is not None and not renderer.missing(own, known):
                renderer.render(own, None, known)  # nothing is missing: only counts the frames
                made[shot] = known
                continue
            if not np.any(reasons[start:stop] == 0):
                renderer.render(own, None, PASSTHROUGH)
                made[shot] = PASSTHROUGH
            else:
                made[shot] = self._render_shot(shot, own, renderer, progress)
            self._workspace.note({"shot": shot, "generator": made[shot]})
        return made

    def _render_shot(
        self, shot: int, segments: list[Segment], renderer: SegmentRenderer, progress: Progress
    ) -> str:
        before = renderer.done
        failed: list[Attempt] = []
        for candidate in self._candidates:
            name = candidate.spec.name
            if self._failed_shots.get(name, 0) >= MAX_FAILED_SHOTS:
                continue
            try:
                frames = self._renderer_of(candidate)
                renderer.render(segments, frames, name)
            except (StageFailure, OutOfMemory) as failure:
                attempt = self._failure(name, shot, failure)
                failed.append(attempt)
                self.attempts.append(attempt)
                renderer.forget(segments, name)
                renderer.rewind(before)
                progress.note(f"{name} failed in shot {shot} ({attempt.phase}): {attempt.reason}")
                continue
            return name
        raise_failed(failed or self.attempts, shot)
        raise AssertionError("unreachable")

    def _failure(self, name: str, shot: int, failure: StageFailure | OutOfMemory) -> Attempt:
        if isinstance(failure, OutOfMemory):
            phase, reason, hint = "generate", failure.message, "Use a smaller target or device."
        else:
            phase, reason, hint = failure.phase, failure.reason, failure.hint
        weight = MAX_FAILED_SHOTS if phase == "open" else 1  # what cannot open will not later
        self._failed_shots[name] = self._failed_shots.get(name, 0) + weight
        self._drop(name)
        return Attempt(generator=name, phase=phase, shot=shot, reason=reason, hint=hint)  # type: ignore[arg-type]

    def _renderer_of(self, candidate: Candidate) -> FrameRenderer:
        """The opened generator, opened now if it is its first shot."""
        name = candidate.spec.name
        if name not in self._renderers:
            for other in list(self._renderers):
                self._drop(other)  # two networks never share the memory
            assert self._compositor is not None
            self._renderers[name] = open_frame_renderer(
                candidate,
                self._target,
                self._rows(candidate.encoder),
                self._activity,
                self._compositor,
                self._request,
                self._registry,
                self._watch,
            )
            self._renderers[name].runner.told = partial(self.notes.tell, name)
        return self._renderers[name]

    def _rows(self, spec: AudioEncoderSpec) -> FeatureFile:
        if spec.name not in self._features:
            with ExitStack() as resources:
                try:
                    encoder = open_encoder(spec, self._request, resources)
                except LipsyncError as error:
                    raise StageFailure("open", error.message, error.hint) from error
                stream = guarded("open", lambda: encoder.stream(spec.sample_rate, self._clock))
                self._features[spec.name] = cast(
                    FeatureFile,
                    guarded(
                        "prepare",
                        lambda: self._encoded(
                            spec.name,
                            cast(RowStream, stream),
                            spec.feature_shape,
                            spec.sample_rate,
                            f"The audio encoder '{spec.name}'",
                        ),
                    ),
                )
        return self._features[spec.name]

    def _encoded(
        self,
        name: str,
        stream: RowStream,
        shape: tuple[int, ...],
        sample_rate: int,
        who: str,
    ) -> FeatureFile:
        """Run the voice through a stream, or take what an earlier try left."""
        path: Path = self._workspace.path / f"{name}.f32"
        if path.exists():
            return FeatureFile(path, shape, self._clock)
        duration: Fraction = self._target.duration
        self._progress.stage(f"listening ({name})", max(1, int(duration)))
        with self._watch.on(f"voice:{name}"):
            return encode(
                read_mono(self._inputs.sound.path, sample_rate),
                sample_rate,
                duration,
                stream,
                shape,
                self._clock,
                path,
                who,
                lambda seconds: self._progress.advance(int(seconds)),
            )

    def _drop(self, name: str) -> None:
        renderer = self._renderers.pop(name, None)
        if renderer is not None:
            renderer.close()

    def _close_renderers(self) -> None:
        for name in list(self._renderers):
            self._drop(name)
