"""Opens a candidate of the chain: generator, resting mouth, and both with their finish as a renderer."""

from __future__ import annotations

from contextlib import ExitStack
from typing import cast

from lipsync_core.contracts import Generator
from lipsync_core.engine.chain.failures import StageFailure, guarded
from lipsync_core.engine.chain.resolve import Candidate, default_generator
from lipsync_core.engine.isolation.generator import IsolatedGenerator
from lipsync_core.engine.prepared import avatars
from lipsync_core.engine.rendering.compositor import Compositor
from lipsync_core.engine.rendering.frame_renderer import FrameRenderer
from lipsync_core.engine.rendering.generator_runner import GeneratorRunner, Rows
from lipsync_core.engine.rendering.open_compositor import with_own_blender
from lipsync_core.faces.schemes import provides
from lipsync_core.registry import Registry, create
from lipsync_core.registry.opening import opened
from lipsync_core.registry.probing import context_for
from lipsync_core.requests import RunRequest
from lipsync_core.running.stopwatch import Stopwatch
from lipsync_core.specs import AudioEncoderSpec
from lipsync_core.targets.target import Target


def open_frame_renderer(
    candidate: Candidate,
    target: Target,
    rows: Rows,
    activity: Rows | None,
    compositor: Compositor,
    request: RunRequest,
    registry: Registry,
    watch: Stopwatch,
) -> FrameRenderer:
    """Open a generator for a target; the stack's `close` closes it.

    Raises:
        StageFailure: it cannot be opened, or wants landmarks that the detector does not give.
    """
    if not provides(target.scheme, candidate.spec.crop.scheme):
        raise StageFailure(
            "open",
            f"it needs {candidate.spec.crop.scheme} landmarks, the detector gives {target.scheme}",
            "Choose a denser detector with --detector.",
        )
    with ExitStack() as resources:
        runner = open_runner(candidate, target, rows, registry, watch, resources)
        quiet = resting(candidate, target, request, registry)
        rest = open_runner(quiet, target, None, registry, watch, resources) if quiet else None
        own = guarded(
            "open",
            lambda: with_own_blender(candidate.spec, compositor, registry, request, resources),
        )
        return FrameRenderer(
            runner, cast(Compositor, own), target, activity, rest, watch, resources.pop_all()
        )


def open_runner(
    candidate: Candidate,
    target: Target,
    rows: Rows | None,
    registry: Registry,
    watch: Stopwatch,
    resources: ExitStack,
    avatar: avatars.Avatar | None = None,
) -> GeneratorRunner:
    """Open a generator for a target.

    Args:
        candidate: the generator with its settings.
        target: where the faces are.
        rows: features of its encoder; None makes a mouth at rest.
        registry: where plugins come from.
        watch: where time is booked.
        resources: closes it.
        avatar: where what it prepares is kept; default: the one that was prepared for it, if any.

    Raises:
        StageFailure: it cannot be opened.
    """
    with watch.on("open"):
        make = IsolatedGenerator if candidate.isolated else create
        generator = guarded(
            "open", lambda: opened(candidate.spec, candidate.context, resources, make)
        )
    known = avatar or avatars.find(candidate, target, registry)
    return GeneratorRunner(candidate, cast(Generator, generator), target, rows, watch, known)


def resting(
    candidate: Candidate, target: Target, request: RunRequest, registry: Registry
) -> Candidate | None:
    """The embedded default with closed lips, for generators that cannot be told to rest.

    None where it is not wanted, or where the landmarks are too sparse for it: silence then shows the
    target as it is.
    """
    if request.silence != "close" or candidate.encoder.zero_is_rest:
        return None
    spec = default_generator(registry)
    if not provides(target.scheme, spec.crop.scheme):
        return None
    encoder = registry.get(AudioEncoderSpec, spec.audio_encoder)
    context = context_for(spec, options=request.options_for(spec))
    return Candidate(spec=spec, encoder=encoder, context=context, asked=False)
