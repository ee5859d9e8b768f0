"""Opens a candidate of the chain for a target: generator, resting generator, compositor."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import cast

from lipsync_core.contracts import Blender
from lipsync_core.engine.chain.failures import StageFailure, guarded
from lipsync_core.engine.chain.resolve import Candidate
from lipsync_core.engine.hosts.pool import Lease, Pool
from lipsync_core.engine.prepared import avatars
from lipsync_core.engine.rendering.compositor import Compositor
from lipsync_core.engine.rendering.frame_renderer import FrameRenderer
from lipsync_core.engine.rendering.generator_runner import GeneratorRunner, Rows
from lipsync_core.faces.schemes import provides
from lipsync_core.registry.opening import open_blender
from lipsync_core.running.stopwatch import Stopwatch
from lipsync_core.targets.target import Target


def open_frame_renderer(
    candidate: Candidate,
    target: Target,
    rows: Rows,
    activity: Rows | None,
    compositor: Compositor,
    rest: Candidate | None,
    pool: Pool,
    watch: Stopwatch,
) -> FrameRenderer:
    """Open a generator for a target; closing the renderer gives it back to the pool.

    Args:
        candidate: the generator with its settings.
        target: where the faces are.
        rows: features of its encoder.
        activity: speech activity; None: always speaking.
        compositor: the run's blender and enhancers.
        rest: closes the lips in silence; None: silence is not closed.
        pool: where opened generators come from.
        watch: where time is booked.

    Raises:
        StageFailure: it cannot be opened, or needs landmarks that the detector does not give.
    """
    if not provides(target.scheme, candidate.spec.crop.scheme):
        raise StageFailure(
            "open",
            f"it needs {candidate.spec.crop.scheme} landmarks, the detector gives {target.scheme}",
            "Choose a denser detector with --detector.",
        )
    with ExitStack() as resources:
        runner = open_runner(candidate, target, rows, pool, watch, resources)
        quiet = resting(candidate, target, rest)
        resting_runner = open_runner(quiet, target, None, pool, watch, resources) if quiet else None
        if candidate.blender is not None:
            own = candidate.blender
            opened = cast(Blender, guarded("open", lambda: open_blender(own, resources)))
            compositor = replace(compositor, own=(opened, own.spec))
        return FrameRenderer(
            runner, compositor, target, activity, resting_runner, watch, resources.pop_all()
        )


def open_runner(
    candidate: Candidate,
    target: Target,
    rows: Rows | None,
    pool: Pool,
    watch: Stopwatch,
    resources: ExitStack,
    avatar: avatars.Avatar | None = None,
) -> GeneratorRunner:
    """Open a generator for a target.

    Args:
        candidate: the generator with its settings.
        target: where the faces are.
        rows: features of its encoder; None keeps the mouth at rest.
        pool: where opened generators come from.
        watch: where time is booked.
        resources: gives it back to the pool.
        avatar: where what it prepares is kept; default: the one that was prepared for it, if any.

    Raises:
        StageFailure: it cannot be opened.
    """
    with watch.on("open"):
        lease = cast(Lease, guarded("open", lambda: pool.lease(candidate)))
    resources.callback(lease.release)
    known = avatar or avatars.find(candidate, target)
    return GeneratorRunner(candidate, lease, target, rows, watch, known)


def resting(candidate: Candidate, target: Target, rest: Candidate | None) -> Candidate | None:
    """What closes the lips in silence for a generator that cannot be told to rest.

    None where it is not needed, or where the landmarks are too sparse for it: silence then shows the target
    as it is.
    """
    if rest is None or candidate.encoder.spec.zero_is_rest:
        return None
    return rest if provides(target.scheme, rest.spec.crop.scheme) else None
