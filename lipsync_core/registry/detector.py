"""Which detector a run uses: the one that was asked for, or the built-in one."""

from __future__ import annotations

from lipsync_core.contracts import Unavailable
from lipsync_core.errors import PluginUnavailable
from lipsync_core.registry import BUILTIN, Registry
from lipsync_core.registry.contexts import companion
from lipsync_core.registry.probing import probe
from lipsync_core.requests import RunRequest
from lipsync_core.specs import DetectorSpec


def choose_detector(registry: Registry, request: RunRequest) -> DetectorSpec:
    """The detector that was asked for, or else the built-in one.

    Raises:
        PluginUnavailable: it cannot run here.
    """
    specs = registry.all(DetectorSpec)
    if request.detector:
        spec = registry.get(DetectorSpec, request.detector)
    else:
        spec = next(s for s in specs if registry.row_of(s).name == BUILTIN)
    result = probe(spec, companion(spec, request), commercial_only=request.commercial_only)
    if isinstance(result, Unavailable):
        raise PluginUnavailable(
            f"The detector '{spec.name}' cannot run here: {result.reason}.", result.hint
        )
    return spec
