"""Opens the plugins of a run other than generators: detector, encoder, blender, enhancers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import TypeVar, cast

from lipsync_core.contracts import (
    AudioEncoder,
    Blender,
    Detector,
    Enhancer,
    OpenContext,
    Plugin,
    Unavailable,
)
from lipsync_core.engine.contexts import companion
from lipsync_core.engine.finish import Finish
from lipsync_core.errors import LipsyncError, PluginFault, PluginUnavailable, UsageError
from lipsync_core.faces.schemes import provides
from lipsync_core.probing import probe
from lipsync_core.records import Scheme
from lipsync_core.registry import Registry, create
from lipsync_core.requests import RunRequest
from lipsync_core.specs import (
    AudioEncoderSpec,
    BlenderSpec,
    DetectorSpec,
    EnhancerSpec,
    GeneratorSpec,
    PluginSpec,
)

Opened = TypeVar("Opened", bound=Plugin)


def opened(
    spec: PluginSpec,
    context: OpenContext,
    resources: ExitStack,
    make: Callable[[PluginSpec], Plugin] = create,
) -> Plugin:
    """Make and open a plugin; `resources` closes it.

    Raises:
        PluginUnavailable: something it needs is missing.
        PluginFault: it failed to open.
    """
    plugin = make(spec)
    try:
        plugin.open(context)
    except LipsyncError:
        raise
    except Exception as error:
        raise PluginFault(
            f"{spec.kind.capitalize()} '{spec.name}' failed to open: "
            f"{type(error).__name__}: {error}.",
            "See `lipsync doctor`, or report this to the plugin's author.",
        ) from error
    resources.callback(plugin.close)
    return plugin


def open_detector(spec: DetectorSpec, request: RunRequest, resources: ExitStack) -> Detector:
    """Open a detector."""
    return cast(Detector, opened(spec, companion(spec, request), resources))


def open_encoder(spec: AudioEncoderSpec, request: RunRequest, resources: ExitStack) -> AudioEncoder:
    """Open an audio encoder."""
    return cast(AudioEncoder, opened(spec, companion(spec, request), resources))


def open_finish(
    registry: Registry, request: RunRequest, scheme: Scheme, resources: ExitStack
) -> Finish:
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
    return Finish(
        blender=blender, blender_spec=blender_spec, scheme=scheme, enhancers=tuple(enhancers)
    )


def with_own(
    spec: GeneratorSpec,
    finish: Finish,
    registry: Registry,
    request: RunRequest,
    resources: ExitStack,
) -> Finish:
    """The run's finish, and with it the blender that a generator has of its own.

    Raises:
        PluginFault: there is none of that name.
        PluginUnavailable: it cannot run here, or needs denser landmarks than the detector gives.
    """
    if spec.blender is None:
        return finish
    try:
        own = _open_blender(registry, request, spec.blender, finish.scheme, resources)
    except UsageError as error:  # it is the plugin that named it, not the user
        raise PluginFault(error.message, error.hint) from error
    return replace(finish, own=own)


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
