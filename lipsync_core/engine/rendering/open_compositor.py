"""Opens what puts new mouths into frames: the blender, the enhancers, and a generator's own blender."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import cast

from lipsync_core.contracts import (
    Blender,
    Enhancer,
    Unavailable,
)
from lipsync_core.engine.rendering.compositor import Compositor
from lipsync_core.errors import PluginFault, PluginUnavailable, UsageError
from lipsync_core.faces.schemes import provides
from lipsync_core.records import Scheme
from lipsync_core.registry import Registry
from lipsync_core.registry.contexts import companion
from lipsync_core.registry.opening import opened
from lipsync_core.registry.probing import probe
from lipsync_core.requests import RunRequest
from lipsync_core.specs import (
    BlenderSpec,
    EnhancerSpec,
    GeneratorSpec,
    PluginSpec,
)


def open_compositor(
    registry: Registry, request: RunRequest, scheme: Scheme, resources: ExitStack
) -> Compositor:
    """Open the blender and the enhancers.

    Raises:
        UsageError: a name that does not exist.
        PluginUnavailable: one cannot run here, or needs denser landmarks than the detector gives.
    """
    blender, blender_spec = _open_blender(registry, request, request.blender, scheme, resources)
    enhancers: list[tuple[Enhancer, EnhancerSpec, float]] = []
    for name, strength in request.enhancers:
        spec = registry.get(EnhancerSpec, name)
        _demand(spec, spec.crop.scheme, scheme, request)
        enhancer = cast(Enhancer, opened(spec, companion(spec, request), resources))
        enhancers.append((enhancer, spec, spec.strength if strength is None else strength))
    return Compositor(
        blender=blender, blender_spec=blender_spec, scheme=scheme, enhancers=tuple(enhancers)
    )


def with_own_blender(
    spec: GeneratorSpec,
    compositor: Compositor,
    registry: Registry,
    request: RunRequest,
    resources: ExitStack,
) -> Compositor:
    """The run's compositor, and with it the blender that a generator has of its own.

    Raises:
        PluginFault: there is none of that name.
        PluginUnavailable: it cannot run here, or needs denser landmarks than the detector gives.
    """
    if spec.blender is None:
        return compositor
    try:
        own = _open_blender(registry, request, spec.blender, compositor.scheme, resources)
    except UsageError as error:  # it is the plugin that named it, not the user
        raise PluginFault(error.message, error.hint) from error
    return replace(compositor, own=own)


def _open_blender(
    registry: Registry, request: RunRequest, name: str, scheme: Scheme, resources: ExitStack
) -> tuple[Blender, BlenderSpec]:
    spec = registry.get(BlenderSpec, name)
    _demand(spec, spec.scheme, scheme, request)
    return cast(Blender, opened(spec, companion(spec, request), resources)), spec


def _demand(spec: PluginSpec, wants: Scheme, have: Scheme, request: RunRequest) -> None:
    result = probe(spec, companion(spec, request), commercial_only=request.commercial_only)
    if isinstance(result, Unavailable):
        raise PluginUnavailable(
            f"The {spec.kind} '{spec.name}' cannot run here: {result.reason}.", result.hint
        )
    if not provides(have, wants):
        raise PluginUnavailable(
            f"The {spec.kind} '{spec.name}' needs {wants} landmarks, the detector gives {have}.",
            "Choose a denser detector with --detector.",
        )
