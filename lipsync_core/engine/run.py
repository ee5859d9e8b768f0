"""The way of a run: plan -> listen -> render segments -> assemble -> report."""

from __future__ import annotations

import time
import uuid
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

from lipsync_core._version import __version__
from lipsync_core.engine.audio_analysis import AudioAnalysis
from lipsync_core.engine.chain.failures import Attempt
from lipsync_core.engine.coordinator import ShotCoordinator
from lipsync_core.engine.hosts.pool import Pool
from lipsync_core.engine.plan import Plan, plan
from lipsync_core.engine.record import report as reporting
from lipsync_core.engine.record.notes import note_ranges
from lipsync_core.engine.record.workspace import Workspace, fingerprint
from lipsync_core.engine.rendering.executor import LocalExecutor
from lipsync_core.engine.rendering.jobs import RenderSettings
from lipsync_core.media.assemble import AssembleResult, assemble
from lipsync_core.media.provenance import provenance_tags
from lipsync_core.registry import Registry
from lipsync_core.requests import RunRequest
from lipsync_core.running.cancellation import NEVER, CancelToken
from lipsync_core.running.interruption import readable_io, terminated_is_cancelled
from lipsync_core.running.progress import Progress
from lipsync_core.running.threads import one_thread
from lipsync_core.specs import PluginSpec


def run(
    request: RunRequest,
    progress: Progress | None = None,
    registry: Registry | None = None,
    *,
    cancel: CancelToken = NEVER,
    pool: Pool | None = None,
) -> dict[str, Any]:
    """Make the video.

    Args:
        request: the job.
        progress: analysis.
        registry: plugins; default: the installed ones.
        cancel: stops the run from any thread; finished segments are kept, and the same request resumes.
        pool: where opened generators come from, shared with other runs and sessions; default: one of its
            own.

    Returns:
        The report, which is also written beside the output.

    Raises:
        LipsyncError: see `lipsync_core.errors`; an existing output is then as it was.
        Cancelled: `cancel` was used, or the process was told to end.
    """
    begin = time.perf_counter()
    progress, registry = progress or Progress(), registry or Registry.load()
    with terminated_is_cancelled():
        job = plan(request, progress, registry, cancel=cancel)
        with closing(job.inputs.target), ExitStack() as resources:
            pool = pool or resources.enter_context(Pool())
            return _execute(job, progress, registry, cancel, pool, begin)


def _execute(
    job: Plan,
    progress: Progress,
    registry: Registry,
    cancel: CancelToken,
    pool: Pool,
    begin: float,
) -> dict[str, Any]:
    request, inputs, watch = job.request, job.inputs, job.watch
    plugins = [f"{s.kind}:{s.name}:{registry.row_of(s).version}" for s in registry]
    name = fingerprint(request, inputs.source.digest, inputs.audio_hash, plugins)
    with Workspace(name) as workspace, readable_io(request.output, workspace.path), one_thread():
        if workspace.resumed:
            progress.note("Resuming an unfinished run of the same command.")
        analysis = AudioAnalysis(
            inputs.sound, inputs.target, workspace.path, progress, watch, cancel
        )
        shots = _coordinator(job, analysis, workspace, progress)
        with LocalExecutor(pool, shots.advance, cancel) as executor:
            progress.stage("rendering", inputs.target.frames)
            made = shots.render(job.segments, executor)
        run_id = uuid.uuid4().hex[:12]
        generators = ",".join(sorted({name for name in made.values() if name}))
        tags = (
            provenance_tags(version=__version__, generators=generators, run=run_id)
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
                job.carried,
            )
        progress.advance(1)
        outcome = Outcome(
            made=made,
            attempts=shots.attempts,
            notes=note_ranges(workspace.segments, made, inputs.target.shots()),
            judge=analysis.judge,
            speech_share=analysis.speech_share,
            result=result,
            run_id=run_id,
            resumed=workspace.resumed,
            seconds=time.perf_counter() - begin,
        )
        told = _report(job, outcome)
        reporting.write(told, request.output)
        workspace.discard()
    return told


def _coordinator(
    job: Plan, analysis: AudioAnalysis, workspace: Workspace, progress: Progress
) -> ShotCoordinator:
    """Encode the audio, and set up the way of the shots through the chain."""
    plugins = job.plugins
    rests = job.request.silence != "generate"
    activity = analysis.activity(rests=rests)  # whatever happens in silence, the report tells of it
    settings = RenderSettings(
        target=job.inputs.target,
        folder=workspace.segments,
        video=job.video,
        encoder=job.settings,
        blender=plugins.blender,
        enhancers=plugins.enhancers,
        rest=plugins.rest,
        activity=activity if rests else None,
        emphasis=analysis.emphasis() if job.inputs.target.moves else None,
    )
    shots = ShotCoordinator(
        settings, plugins.candidates, plugins.attempts, analysis, workspace, progress, job.watch
    )
    shots.listen()
    return shots


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a run, for its report."""

    made: dict[int, str]
    attempts: list[Attempt]
    notes: list[dict[str, object]]
    judge: str
    speech_share: float | None
    result: AssembleResult
    run_id: str
    resumed: bool
    seconds: float


def _report(job: Plan, outcome: Outcome) -> dict[str, Any]:
    inputs, request, result = job.inputs, job.request, outcome.result
    length = float(inputs.schedule.duration)
    asked = request.plugins
    return {
        **reporting.head(),
        "run": outcome.run_id,
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
            "carried": job.carried.as_dict() if job.carried else None,
        },
        "faces": reporting.describe_faces(inputs)
        | {"damaged_source_frames": len(inputs.target.damaged)},
        "chain": reporting.describe_chain(
            asked.generators,
            outcome.made,
            inputs.target.shots(),
            outcome.attempts,
            job.plugins.default,
            outcome.notes,
        )
        | {"isolated": list(asked.isolate)},
        "speech": {
            "silence": request.silence,
            "activity": outcome.judge,
            "share": outcome.speech_share,
        },
        "licences": reporting.describe_licences(_specs_used(job, outcome.made)),
        "provenance": {"marked": request.provenance},
        "notes": [
            *job.notes,
            *reporting.silence_notes(inputs.sound, outcome.speech_share, request.silence),
        ],
        "resumed": outcome.resumed,
        "saved": reporting.describe_saved(inputs, job.watch),
        "stages": job.watch.report(),
        "total_seconds": round(outcome.seconds, 3),
        "times_real_time": round(length / outcome.seconds, 3) if outcome.seconds > 0 else None,
    }


def _specs_used(job: Plan, made: dict[int, str]) -> list[PluginSpec]:
    """Plugins that had a part in the video."""
    plugins = job.plugins
    used = [c for c in plugins.candidates if c.name in made.values()]
    return [
        plugins.detector.spec,
        *(c.encoder.spec for c in used),
        *(c.spec for c in used),
        plugins.blender.spec,
        *(c.blender.spec for c in used if c.blender),
        *(e.spec for e, _ in plugins.enhancers),
    ]
