"""What a run is going to do, decided before anything is rendered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from lipsync_core.engine.chain.resolve import ResolvedPlugins, resolve
from lipsync_core.engine.record import report as reporting
from lipsync_core.engine.rendering.segments import Segment, cut_segments
from lipsync_core.errors import OutputError
from lipsync_core.faces.selection import FaceRule
from lipsync_core.media.carried import Carried, plan_carried
from lipsync_core.media.encoders import (
    EncoderSettings,
    carries_alpha,
    check_encoder,
    losses,
    settings_for,
)
from lipsync_core.media.formats import VideoFormat
from lipsync_core.media.output import check_output, container_of
from lipsync_core.media.soundtrack import plan_sound
from lipsync_core.registry import Registry
from lipsync_core.requests import RunRequest
from lipsync_core.running.cancellation import NEVER, CancelToken
from lipsync_core.running.progress import Progress
from lipsync_core.running.stopwatch import Stopwatch
from lipsync_core.running.threads import one_thread
from lipsync_core.targets.inputs import Inputs, Probed, analyse_inputs, probe_inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run is going to do; `--dry-run` prints it.

    Attributes:
        request: what was asked.
        inputs: both files, faces, schedule.
        plugins: all that can have a part in it.
        segments: units of rendering.
        settings: of the video encoder.
        video: what the encoder takes (8 bits where it knows no 10).
        notes: sentences on what was decided that the user may not expect.
        carried: what the output takes over of the target besides its pictures.
    """

    request: RunRequest
    inputs: Inputs
    plugins: ResolvedPlugins
    segments: list[Segment]
    settings: EncoderSettings
    video: VideoFormat
    notes: tuple[str, ...] = ()
    carried: Carried | None = None
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
                for c in self.plugins.candidates
            ],
            "unavailable": [a.as_dict() for a in self.plugins.attempts],
            "segments": len(self.segments),
            "frames": self.inputs.target.frames,
            "seconds": float(self.inputs.schedule.duration),
            "encoder": {"name": self.settings.encoder, **self.settings.options()},
            "output": str(self.request.output),
            "notes": list(self.notes),
        }


def plan(
    request: RunRequest,
    progress: Progress | None = None,
    registry: Registry | None = None,
    *,
    cancel: CancelToken = NEVER,
) -> Plan:
    """Check everything, then find the faces and decide what is rendered how. Writes nothing but caches.

    Every setting, plugin and file is checked before a single frame is decoded.

    Args:
        request: the job.
        progress: analysis.
        registry: plugins; default: the installed ones.
        cancel: stops the analysis between two frames.

    Raises:
        LipsyncError: whatever would keep `run` from rendering.
    """
    progress, registry = progress or Progress(), registry or Registry.load()
    watch = Stopwatch()
    request.check()
    check_output(request.output, [request.target.path, request.audio])
    if request.output.exists() and not request.overwrite:
        raise OutputError(
            f"The output {request.output} exists already.",
            "Omit --no-overwrite, or choose another name.",
        )
    _settings(request, None)
    plugins = resolve(registry, request.plugins, request.silence)
    FaceRule.parse(request.target.face)
    probed = probe_inputs(request)
    encoding = None
    if probed.info:
        probed, encoding = _encoding(request, probed)
    with one_thread():
        inputs = analyse_inputs(probed, request, plugins.detector, progress, watch, cancel)
    if encoding is None:  # of clips, known only now
        encoding = _Encoding.of(request, inputs.target.video)
    container = container_of(request.output)
    if inputs.sound.samples:
        plan_sound(inputs.sound, container, inputs.schedule)  # tried now, not after rendering
    carried = plan_carried(probed.info, container, inputs.schedule) if probed.info else None
    told = carried.notes if carried else ()
    per_segment = max(1, int(inputs.target.video.frame_rate * request.segment_seconds))
    return Plan(
        request=request,
        inputs=inputs,
        plugins=plugins,
        segments=cut_segments(inputs.target.shots(), per_segment),
        settings=encoding.settings,
        video=encoding.video,
        notes=(*inputs.source.notes, *inputs.sound.notes, *encoding.notes, *told),
        carried=carried,
        watch=watch,
    )


def _settings(request: RunRequest, video: VideoFormat | None) -> EncoderSettings:
    """Settings of the encoder: the one that was asked for, or the one that suits the video."""
    choice = request.encoding
    return settings_for(request.output, choice.encoder, choice.crf, choice.preset, video)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Encoding:
    """How the pictures are encoded, what the encoder takes, and what the user should know of it."""

    settings: EncoderSettings
    video: VideoFormat
    notes: list[str]

    @classmethod
    def of(cls, request: RunRequest, video: VideoFormat) -> _Encoding:
        """Choose and check the encoder."""
        settings = _settings(request, video)
        encoded = check_encoder(settings, video)
        return cls(settings=settings, video=encoded, notes=losses(settings, video, encoded))


def _encoding(request: RunRequest, probed: Probed) -> tuple[Probed, _Encoding]:
    """The same for a probed target, whose transparency is kept where the output carries it."""
    info = probed.info
    assert info is not None
    if not info.has_alpha:
        return probed, _Encoding.of(request, info.video)
    clear = info.with_alpha()
    if carries_alpha(_settings(request, clear.video), request.output):
        return replace(probed, info=clear), _Encoding.of(request, clear.video)
    made = _Encoding.of(request, info.video)
    made.notes.append(
        f"Transparent parts of {info.path} are shown over white; an output ending in .mov or .webm keeps "
        "them."
    )
    return probed, made
