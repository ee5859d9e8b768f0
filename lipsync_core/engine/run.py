"""The way of a run: probe inputs -> plan -> render segments -> assemble -> report."""

from __future__ import annotations

import time
import uuid
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any

from lipsync_core._version import __version__
from lipsync_core.engine.chain.failures import Attempt
from lipsync_core.engine.chain.resolve import Candidate, default_generator, resolve
from lipsync_core.engine.inputs import Inputs, load
from lipsync_core.engine.record import report as reporting
from lipsync_core.engine.record.workspace import Workspace, fingerprint
from lipsync_core.engine.rendering.segments import Segment, SegmentRenderer, cut_segments
from lipsync_core.engine.rendering.shots import ShotLoop
from lipsync_core.errors import OutputError
from lipsync_core.media.assemble import AssembleResult, assemble
from lipsync_core.media.encoders import EncoderSettings, check_encoder, settings_for
from lipsync_core.media.formats import VideoFormat
from lipsync_core.media.output import check_output
from lipsync_core.media.provenance import provenance_tags
from lipsync_core.registry import Registry
from lipsync_core.requests import RunRequest
from lipsync_core.running.interruption import readable_io, terminated_is_cancelled
from lipsync_core.running.progress import Progress
from lipsync_core.running.stopwatch import Stopwatch
from lipsync_core.running.threads import one_thread
from lipsync_core.specs import (
    BlenderSpec,
    DetectorSpec,
    EnhancerSpec,
    GeneratorSpec,
    PluginSpec,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run is going to do; `--dry-run` prints it.

    Attributes:
        request: what was asked.
        inputs: both files, faces, schedule.
        candidates: generators that can run, in order.
        attempts: generators that cannot, and why.
        segments: units of rendering.
        settings: of the video encoder.
        video: what the encoder takes (8 bits where it knows no 10).
        default: name of the embedded default.
    """

    request: RunRequest
    inputs: Inputs
    candidates: list[Candidate]
    attempts: list[Attempt]
    segments: list[Segment]
    settings: EncoderSettings
    video: VideoFormat
    default: str
    watch: Stopwatch = field(default_factory=Stopwatch)

    def as_dict(self) -> dict[str, Any]:
        """The plan in plain data."""
        return {
            **reporting.head(),
            "inputs": reporting.describe_inputs(self.inputs),
            "faces": reporting.describe_faces(self.inputs),
            "chain": [
                {
                    "generator": c.spec.name,
                    "device": c.context.device,
                    "asked": c.asked,
                    "isolated": c.isolated,
                }
                for c in self.candidates
            ],
            "unavailable": [a.as_dict() for a in self.attempts],
            "segments": len(self.segments),
            "frames": self.inputs.target.frames,
            "seconds": float(self.inputs.schedule.duration),
            "encoder": {"name": self.settings.encoder, **self.settings.options()},
            "output": str(self.request.output),
        }


def plan(
    request: RunRequest, progress: Progress | None = None, registry: Registry | None = None
) -> Plan:
    """Check everything, find the faces, decide what is rendered how. Writes nothing but caches.

    Raises:
        LipsyncError: whatever stands in the way, before any rendering.
    """
    progress, registry = progress or Progress(), registry or Registry.load()
    watch = Stopwatch()
    request.check_fps()
    check_output(request.output, [request.face, request.audio])
    if request.output.exists() and not request.overwrite:
        raise OutputError(
            f"The output {request.output} exists already.",
            "Leave out --no-overwrite, or choose another name.",
        )
    choice = request.encoding
    settings = settings_for(request.output, choice.encoder, choice.crf, choice.preset)
    candidates, attempts = resolve(registry, request)
    with one_thread():
        inputs = load(request, registry, progress, watch)
    video = check_encoder(settings, inputs.target.video)
    rate = inputs.target.video.frame_rate
    per_segment = max(1, int(rate * request.segment_seconds))
    return Plan(
        request=request,
        inputs=inputs,
        candidates=candidates,
        attempts=attempts,
        segments=cut_segments(inputs.target.shots(), per_segment),
        settings=settings,
        video=video,
        default=default_generator(registry).name,
        watch=watch,
    )


def run(
    request: RunRequest, progress: Progress | None = None, registry: Registry | None = None
) -> dict[str, Any]:
    """Make the video.

    Args:
        request: the job.
        progress: who listens.
        registry: plugins; default: the installed ones.

    Returns:
        The report, which is also written beside the output.

    Raises:
        LipsyncError: see `lipsync_core.errors`; an existing output is then as it was.
    """
    begin = time.perf_counter()
    progress, registry = progress or Progress(), registry or Registry.load()
    with readable_io(request.output), terminated_is_cancelled():
        job = plan(request, progress, registry)
        with closing(job.inputs.target):
            return _execute(job, progress, registry, begin)


def _execute(job: Plan, progress: Progress, registry: Registry, begin: float) -> dict[str, Any]:
    request, inputs, watch = job.request, job.inputs, job.watch
    plugins = [f"{s.kind}:{s.name}:{registry.row_of(s).version}" for s in registry]
    name = fingerprint(request, inputs.source.digest, inputs.audio_hash, plugins)
    with Workspace(name) as workspace, one_thread(), ExitStack() as resources:
        renderer = SegmentRenderer(
            inputs.target, job.video, workspace.segments, job.settings, watch, progress
        )
        if workspace.resumed:
            progress.note("Going on with an unfinished run of the same command.")
        loop = ShotLoop(job.candidates, job.attempts, request, inputs, registry, workspace, watch)
        loop.open(progress, resources)
        progress.stage("rendering", inputs.target.frames)
        made = loop.render(job.segments, renderer, progress)
        run_id = uuid.uuid4().hex[:12]
        used = sorted({g for g in made.values() if g})
        tags = (
            provenance_tags(version=__version__, generators=",".join(used), run=run_id)
            if request.provenance
            else {}
        )
        progress.stage("joining", 1)
        with watch.on("assemble"):
            result = assemble(
                [s.path(workspace.segments, made[s.shot]) for s in job.segments],
                request.output,
                inputs.schedule,
                inputs.sound,
                tags,
            )
        progress.advance(1)
        told = _report(
            job, loop, made, result, run_id, time.perf_counter() - begin, workspace, registry
        )
        reporting.write(told, request.output)
        workspace.discard()
    return told


def _report(
    job: Plan,
    loop: ShotLoop,
    made: dict[int, str],
    result: AssembleResult,
    run_id: str,
    seconds: float,
    workspace: Workspace,
    registry: Registry,
) -> dict[str, Any]:
    inputs, request = job.inputs, job.request
    length = float(inputs.schedule.duration)
    return {
        **reporting.head(),
        "run": run_id,
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "inputs": reporting.describe_inputs(inputs),
        "output": {
            "path": str(request.output),
            "bytes": request.output.stat().st_size,
            "frames": result.frames,
            "seconds": float(result.video_duration),
            "sound": result.sound,
            "sound_seconds": float(result.audio_duration),
            "sound_note": result.reason,
            "encoder": {"name": job.settings.encoder, **job.settings.options()},
            "fit": request.fit,
        },
        "faces": reporting.describe_faces(inputs)
        | {"damaged_source_frames": len(inputs.target.damaged)},
        "chain": reporting.describe_chain(
            request.generators, made, inputs.target.shots(), loop.attempts, job.default, loop.notes
        )
        | {"isolated": list(request.isolate)},
        "voice": {
            "silence": request.silence,
            "activity": loop.judge,
            "speech_share": loop.speech_share,
        },
        "licences": reporting.describe_licences(_specs_used(job, made, registry)),
        "provenance": {"marked": request.provenance},
        "resumed": workspace.resumed,
        "saved": reporting.describe_saved(inputs, job.watch),
        "stages": job.watch.report(),
        "total_seconds": round(seconds, 3),
        "times_real_time": round(length / seconds, 3) if seconds > 0 else None,
    }


def _blenders(job: Plan, generators: list[GeneratorSpec]) -> list[str]:
    """The run's blender, and those that its generators have of their own."""
    own = [spec.blender for spec in generators if spec.blender]
    return list(dict.fromkeys([job.request.blender, *own]))


def _specs_used(job: Plan, made: dict[int, str], registry: Registry) -> list[PluginSpec]:
    """Plugins that had a part in the video."""
    request = job.request
    used = [c for c in job.candidates if c.spec.name in made.values()]
    return [
        registry.get(DetectorSpec, job.inputs.detector),
        *(c.encoder for c in used),
        *(c.spec for c in used),
        *(registry.get(BlenderSpec, name) for name in _blenders(job, [c.spec for c in used])),
        *(registry.get(EnhancerSpec, name) for name, _ in request.enhancers),
    ]
