"""A live session: sound goes in as it comes, frames come out in time. The same stages, without a plan.

The target (a picture, or a video played back and forth) is made ready when the session is: its faces
come from the cache or are found once. From then on each frame costs decode, crop, generate and blend.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from fractions import Fraction
from inspect import GEN_RUNNING, getgeneratorstate
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_core.engine.chain.failures import Attempt, StageFailure
from lipsync_core.engine.chain.resolve import Candidate, resolve
from lipsync_core.engine.hosts.pool import Pool
from lipsync_core.engine.live.utterances import Utterances
from lipsync_core.engine.rendering.frame_renderer import FrameRenderer
from lipsync_core.engine.rendering.open_compositor import open_compositor
from lipsync_core.engine.rendering.open_renderer import open_frame_renderer
from lipsync_core.errors import GenerationFailed, OutOfMemory, PluginUnavailable
from lipsync_core.media.picture import Picture
from lipsync_core.media.probe import TargetInfo, probe_target
from lipsync_core.media.schedule import Schedule, make_schedule
from lipsync_core.records import Image, MouthRange, Samples
from lipsync_core.registry import Registry
from lipsync_core.registry.opening import open_encoder
from lipsync_core.requests import PluginSettings, Silence, TargetRequest
from lipsync_core.running.cancellation import NEVER, CancelToken
from lipsync_core.running.progress import Progress
from lipsync_core.running.queues import ahead
from lipsync_core.running.stopwatch import Stopwatch
from lipsync_core.running.threads import one_thread
from lipsync_core.targets.analysis import analyse_target
from lipsync_core.targets.target import Target, TargetFrame
from lipsync_core.voice.activity import LOOKAHEAD as ACTIVITY_LOOKAHEAD
from lipsync_core.voice.activity import SAMPLE_RATE, ActivityStream
from lipsync_core.voice.emphasis import LOOKAHEAD as EMPHASIS_LOOKAHEAD
from lipsync_core.voice.emphasis import EmphasisStream
from lipsync_core.voice.given import as_samples

AHEAD = 3
"""Target frames decoded ahead of the present one."""
_STILL_FRAMES = 1 << 40
"""A still picture moves for as long as anybody will watch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFrame:
    """One frame of a live session.

    Attributes:
        number: counts up from 0.
        time: seconds since the first frame, on the session's clock.
        image: `(H, W, 3)` uint8 RGB.
        samples: `(n,)` float32 mono at 16 kHz, the sound of exactly this frame (zeros while idle), so
            that a consumer who plays both together is in sync.
        speaking: the frame shows speech, not idling.
    """

    number: int
    time: Fraction
    image: Image
    samples: Samples
    speaking: bool


class Session:
    """A face that speaks what it is given, as it is given.

    Use it as a context manager. `push_audio`, `flush` and `interrupt` may be called from any thread
    while another one iterates `frames`. Sessions may overlap in any order.

    Args:
        target: a picture or a video, or a request that says which of its faces, and how it idles.
        plugins: generators, detector, blender, enhancers, device and precision, as for a run. Generators
            that do not stream are skipped.
        silence: the mouth in pauses of the speech, as for a run: "close", "keep" or "generate".
        registry: plugins; default: the installed ones.
        pool: where opened generators come from, shared with other sessions; default: one of its own.
        cancel: stops the analysis of the target from another thread.

    Raises:
        LipsyncError: the target is of no use, or no streaming generator can run.
    """

    def __init__(
        self,
        target: TargetRequest | Path | str,
        plugins: PluginSettings | None = None,
        *,
        silence: Silence = "close",
        registry: Registry | None = None,
        pool: Pool | None = None,
        cancel: CancelToken = NEVER,
    ) -> None:
        request = target if isinstance(target, TargetRequest) else TargetRequest(path=Path(target))
        request.check()
        plugins = plugins or PluginSettings()
        self._silence = silence
        self._watch = Stopwatch()
        self._resources = ExitStack()
        self._ended = Event()
        self._playing: list[Generator[LiveFrame, None, None]] = []
        self._opened: Utterances | None = None
        resolved = resolve(registry or Registry.load(), plugins, silence)
        self.attempts: list[Attempt] = list(resolved.attempts)
        self._rest = resolved.rest
        self._candidates = [c for c in resolved.candidates if c.spec.streams]
        if not self._candidates:
            raise PluginUnavailable(
                "None of the generators can stream.",
                f"Omit `generators`, or include `{resolved.default}`.",
            )
        info = probe_target(
            request.path, Fraction(request.fps), request.video_track, request.interlaced
        )
        with one_thread():
            analysed = analyse_target(
                info,
                _one_round(info),
                request,
                resolved.detector,
                Progress(),
                self._watch,
                seed=plugins.seed,
                cancel=cancel,
            )
        self._target = _Endless(analysed.target)
        self.fps = analysed.target.video.frame_rate
        self._renderer: FrameRenderer
        with ExitStack() as resources:
            # Whatever was opened is closed again where the session cannot begin.
            resources.callback(analysed.target.close)
            self._pool = pool or resources.enter_context(Pool())
            self._compositor = open_compositor(
                resolved.blender, resolved.enhancers, self._target.scheme, resources
            )
            self._resources = resources
            self._open_next()
            self._resources = resources.pop_all()

    @property
    def _utterances(self) -> Utterances:
        assert self._opened is not None, "opened when the session was made"
        return self._opened

    @property
    def generator(self) -> str:
        """Name of the generator at work."""
        return self._renderer.runner.spec.name

    @property
    def lookahead(self) -> float:
        """Seconds of sound after a frame's time that must have been pushed before it can be shown."""
        heard = self._candidate.encoder.spec.lookahead
        active = 0.0 if self._silence == "generate" else ACTIVITY_LOOKAHEAD
        return max(heard, active, EMPHASIS_LOOKAHEAD if self._target.moves else 0.0)

    @property
    def backlog(self) -> float:
        """Seconds of sound pushed and not shown yet."""
        return self._utterances.backlog

    def push_audio(self, samples: NDArray[Any]) -> None:
        """Take sound as it comes.

        Args:
            samples: `(n,)` mono at 16 kHz, any n: float32 or float64 in -1..1, or int16, int32 or uint8 over
                their whole range. Floats that are no numbers count as silence.

        Raises:
            UsageError: another shape or type.
        """
        self._utterances.push(as_samples(samples))

    def flush(self) -> None:
        """The utterance is complete: its last frames need no more sound to follow."""
        self._utterances.flush()

    def interrupt(self) -> None:
        """Forget all sound not shown yet; the mouth goes back to rest within a few frames."""
        self._utterances.interrupt()

    def frames(self, *, paced: bool = True) -> Iterator[LiveFrame]:
        """Frames without end.

        Args:
            paced: wait for each frame's time on the wall clock; when an utterance begins, its first
                frame comes at once instead of at the next tick. False: as fast as they are consumed,
                which suits writing to a file.
        """
        playing = self._play(paced)
        self._playing.append(playing)
        return playing

    def _play(self, paced: bool) -> Generator[LiveFrame, None, None]:
        pictures = ahead(self._target.walk(0, _STILL_FRAMES), AHEAD)
        with closing(pictures), one_thread():
            begin = time.monotonic()
            for number, frame in enumerate(pictures):
                if self._ended.is_set():
                    return
                if paced:
                    due = begin + float(number / self.fps)
                    early = self._utterances.wait(until=due)
                    begin -= early
                yield self._frame(number, frame)

    def _frame(self, number: int, frame: TargetFrame) -> LiveFrame:
        speaking, samples = self._utterances.step(number)
        return LiveFrame(
            number=number,
            time=number / self.fps,
            image=self._finished(number, self._render(frame)).rgb(),
            samples=samples,
            speaking=speaking,
        )

    def _finished(self, number: int, picture: Picture) -> Picture:
        return self._target.finished(number, picture, self._utterances.emphasis.value)

    def _render(self, frame: TargetFrame) -> Picture:
        while True:
            try:
                _, picture = next(iter(self._renderer.render([frame])))
                return picture
            except (StageFailure, OutOfMemory) as failure:
                self.attempts.append(Attempt.of(self.generator, None, failure))
                self._renderer.close(failed=True)
                self._candidates.pop(0)
                self._open_next()

    def _open_next(self) -> None:
        """Open the first candidate that can be opened; it continues with the sound not shown yet."""
        while self._candidates:
            candidate = self._candidates[0]
            try:
                self._open(candidate)
                return
            except (StageFailure, OutOfMemory, PluginUnavailable) as failure:
                self.attempts.append(
                    Attempt(generator=candidate.name, phase="open", shot=None, reason=str(failure))
                )
                self._candidates.pop(0)
        told = "; ".join(map(str, self.attempts))
        raise GenerationFailed(f"No generator is left for the live session. Tried: {told}.")

    def _open(self, candidate: Candidate) -> None:
        spec = candidate.encoder.spec
        if spec.sample_rate != SAMPLE_RATE:
            raise StageFailure("open", f"its encoder needs a sample rate of {spec.sample_rate} Hz")
        encoder = open_encoder(candidate.encoder, self._resources)
        active = self._silence != "generate"
        utterances = Utterances(
            lambda: encoder.stream(SAMPLE_RATE, self.fps),
            (lambda: ActivityStream(self.fps)) if active else None,
            spec.feature_shape,
            self.fps,
            rests=spec.zero_is_rest,
            emphasis=(lambda: EmphasisStream(self.fps)) if self._target.moves else None,
        )
        self._renderer = open_frame_renderer(
            candidate,
            self._target,
            utterances.rows,
            utterances.activity,
            self._compositor,
            self._rest,
            self._pool,
            self._watch,
        )
        self._renderer.runner.chunk_frames = 1
        self._candidate = candidate
        if self._opened is not None:
            utterances.take_over(self._opened)
        self._opened = utterances

    def close(self) -> None:
        """Stop the frames, close plugins and files; may be called twice.

        A thread that decodes ahead must have ended before its file is closed.
        """
        self._ended.set()
        for playing in self._playing:
            # Where another thread is inside, it ends at its next frame.
            while getgeneratorstate(playing) == GEN_RUNNING:
                time.sleep(0.005)
            playing.close()
        self._playing.clear()
        self._renderer.close()
        self._resources.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Endless(Target):
    """A target that begins again when it ends, on a clock of constant rate."""

    def __init__(self, once: Target) -> None:
        self._once = once
        self.identity = once.identity
        self.video = once.video
        self.frames = once.frames
        self.scheme = once.scheme
        self.variable_rate = False

    @property
    def duration(self) -> Fraction:
        """Seconds of one round."""
        return self._once.duration

    def time(self, number: int) -> Fraction:
        """When frame `number` is shown."""
        return number / self.video.frame_rate

    def shots(self) -> list[tuple[int, int]]:
        """Of one round."""
        return self._once.shots()

    def walk(self, start: int, stop: int) -> Generator[TargetFrame, None, None]:
        """Round after round."""
        while start < stop:
            first = start % self.frames
            for frame in self._once.walk(first, min(self.frames, first + stop - start)):
                yield replace(frame, number=start)
                start += 1

    def tracks(self) -> NDArray[np.int64]:
        """Of one round."""
        return self._once.tracks()

    def representative_frames(self, track: int, limit: int) -> Iterator[TargetFrame]:
        """As of the target."""
        return self._once.representative_frames(track, limit)

    @property
    def moves(self) -> bool:
        """As of the target."""
        return self._once.moves

    def finished(self, number: int, picture: Picture, emphasis: NDArray[np.float32]) -> Picture:
        """As of the target, which is a picture: its frames never end."""
        return self._once.finished(number, picture, emphasis)

    def mouth_range(self, track: int) -> MouthRange | None:
        """As of the target."""
        return self._once.mouth_range(track)

    def extent(self, track: int) -> NDArray[np.float64]:
        """As of the target."""
        return self._once.extent(track)

    def reasons(self) -> NDArray[np.int8]:
        """Of one round."""
        return self._once.reasons()

    def quarters(self) -> NDArray[np.int8]:
        """Of one round."""
        return self._once.quarters()


def _one_round(info: TargetInfo) -> Schedule:
    """A picture: one frame without end. A video: forwards and back, ready to begin again."""
    if info.kind == "picture":
        return make_schedule(info.index, "hold", _STILL_FRAMES / info.video.frame_rate)
    frame = info.index.duration / max(1, len(info.index))
    back = max(0, len(info.index) - 2)
    return make_schedule(info.index, "bounce", info.index.duration + back * frame)
