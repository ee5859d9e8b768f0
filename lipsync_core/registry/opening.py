"""Opens the plugins of a run other than generators: detector, encoder, blender, enhancers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import cast

from lipsync_core.contracts import (
    AudioEncoder,
    Detector,
    OpenContext,
    Plugin,
)
from lipsync_core.errors import LipsyncError, PluginFault
from lipsync_core.registry import create
from lipsync_core.registry.contexts import companion
from lipsync_core.requests import RunRequest
from lipsync_core.specs import (
    AudioEncoderSpec,
    DetectorSpec,
    PluginSpec,
)


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
