"""Opens plugins. Whatever one of them raises while it opens becomes an error that names it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import cast

from lipsync_core.contracts import AudioEncoder, Blender, Detector, Enhancer, OpenContext, Plugin
from lipsync_core.errors import LipsyncError, PluginFault
from lipsync_core.registry import create
from lipsync_core.registry.resolving import Resolved
from lipsync_core.specs import (
    AudioEncoderSpec,
    BlenderSpec,
    DetectorSpec,
    EnhancerSpec,
    PluginSpec,
)

__all__ = ["opened"]


def opened(
    spec: PluginSpec,
    context: OpenContext,
    resources: ExitStack,
    make: Callable[[PluginSpec], Plugin] = create,
) -> Plugin:
    """Create and open a plugin; `resources` closes it.

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
            "Run `lipsync doctor`, or report this to the plugin's author.",
        ) from error
    resources.callback(plugin.close)
    return plugin


def open_detector(found: Resolved[DetectorSpec], resources: ExitStack) -> Detector:
    """Open a detector; see `opened`."""
    return cast(Detector, opened(found.spec, found.context, resources))


def open_encoder(found: Resolved[AudioEncoderSpec], resources: ExitStack) -> AudioEncoder:
    """Open an audio encoder; see `opened`."""
    return cast(AudioEncoder, opened(found.spec, found.context, resources))


def open_blender(found: Resolved[BlenderSpec], resources: ExitStack) -> Blender:
    """Open a blender; see `opened`."""
    return cast(Blender, opened(found.spec, found.context, resources))


def open_enhancer(found: Resolved[EnhancerSpec], resources: ExitStack) -> Enhancer:
    """Open an enhancer; see `opened`."""
    return cast(Enhancer, opened(found.spec, found.context, resources))
