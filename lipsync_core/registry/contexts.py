"""With what a run's plugins are probed and opened."""

from __future__ import annotations

from lipsync_core.contracts import OpenContext
from lipsync_core.registry.probing import context_for
from lipsync_core.requests import RunRequest
from lipsync_core.specs import PluginSpec


def companion(spec: PluginSpec, request: RunRequest) -> OpenContext:
    """The context of a plugin beside the generator: on the device that was asked for, or on its own best.

    Raises:
        UsageError: an option that the spec does not declare, or a value of the wrong type.
    """
    able = request.device.partition(":")[0] in spec.devices
    return context_for(
        spec,
        device=request.device if able else "auto",
        precision=request.precision,
        options=request.options_for(spec),
        seed=request.seed,
    )
