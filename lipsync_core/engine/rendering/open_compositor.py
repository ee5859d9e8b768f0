"""Opens what puts new crops into frames: the blender and the enhancers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from lipsync_core.engine.rendering.compositor import Compositor
from lipsync_core.records import Scheme
from lipsync_core.registry.opening import open_blender, open_enhancer
from lipsync_core.registry.resolving import Resolved
from lipsync_core.specs import BlenderSpec, EnhancerSpec


def open_compositor(
    blender: Resolved[BlenderSpec],
    enhancers: Sequence[tuple[Resolved[EnhancerSpec], float]],
    scheme: Scheme,
    resources: ExitStack,
) -> Compositor:
    """Open the blender and the enhancers of a run; `resources` closes them.

    Args:
        blender: puts crops into the frame.
        enhancers: each with its strength 0..1, in order.
        scheme: of the landmarks that they will be handed.
        resources: closes the plugins.

    Raises:
        PluginUnavailable: one of them cannot run here after all.
        PluginFault: one of them failed to open.
    """
    return Compositor(
        blender=open_blender(blender, resources),
        blender_spec=blender.spec,
        scheme=scheme,
        enhancers=tuple((open_enhancer(e, resources), e.spec, share) for e, share in enhancers),
    )
