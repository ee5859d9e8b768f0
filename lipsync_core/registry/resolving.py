"""From a plugin's name and the user's settings to a plugin that can run here, before anything is opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from lipsync_core.contracts import OpenContext, Unavailable
from lipsync_core.errors import PluginUnavailable, UsageError
from lipsync_core.faces.schemes import provides
from lipsync_core.records import Scheme
from lipsync_core.registry import BUILTIN, Registry
from lipsync_core.registry.probing import context_for, probe
from lipsync_core.requests import PluginSettings
from lipsync_core.specs import DetectorSpec, PluginSpec

__all__ = [
    "Resolved",
    "available",
    "check_landmarks",
    "check_options",
    "resolve_detector",
    "settings_context",
]

Spec = TypeVar("Spec", bound=PluginSpec)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved(Generic[Spec]):
    """A plugin that can run here, as data.

    Attributes:
        spec: what it declares.
        context: what it is opened with.
        version: of the distribution it came with.
    """

    spec: Spec
    context: OpenContext
    version: str


def settings_context(spec: PluginSpec, settings: PluginSettings) -> OpenContext:
    """The context of a plugin beside the generator: on the device asked for, or on its own best one.

    Raises:
        UsageError: an option that the spec does not declare, or a value that it does not accept.
    """
    able = settings.device.partition(":")[0] in spec.devices
    return context_for(
        spec,
        device=settings.device if able else "auto",
        precision=settings.precision,
        options=settings.options_for(spec),
        seed=settings.seed,
    )


def available(registry: Registry, spec: Spec, settings: PluginSettings) -> Resolved[Spec]:
    """The plugin of a spec, if it can run here with the user's settings.

    Raises:
        PluginUnavailable: it cannot; with the reason and the remedy.
        UsageError: a value that one of its options does not accept.
    """
    context = settings_context(spec, settings)
    result = probe(spec, context, commercial_only=settings.commercial_only)
    if isinstance(result, Unavailable):
        raise PluginUnavailable(
            f"The {spec.kind} '{spec.name}' cannot run here: {result.reason.rstrip('.')}.",
            result.hint,
        )
    return Resolved(spec=spec, context=context, version=registry.row_of(spec).version)


def resolve_detector(registry: Registry, settings: PluginSettings) -> Resolved[DetectorSpec]:
    """The detector that was asked for, or else the built-in one.

    Raises:
        UsageError: there is no detector of that name.
        PluginUnavailable: it cannot run here.
    """
    if settings.detector:
        spec = registry.get(DetectorSpec, settings.detector)
    else:
        specs = registry.all(DetectorSpec)
        spec = next(s for s in specs if registry.row_of(s).name == BUILTIN)
    return available(registry, spec, settings)


def check_landmarks(spec: PluginSpec, wanted: Scheme, detector: DetectorSpec) -> None:
    """Check that a detector gives the landmarks that a plugin needs.

    Raises:
        PluginUnavailable: they are too sparse.
    """
    if not any(provides(scheme, wanted) for scheme in detector.schemes):
        raise PluginUnavailable(
            f"The {spec.kind} '{spec.name}' needs {wanted} landmarks; the detector '{detector.name}' "
            f"gives {' or '.join(detector.schemes)}.",
            "Choose a denser detector with --detector.",
        )


def check_options(registry: Registry, settings: PluginSettings) -> None:
    """Check that every option that was set is declared by a plugin of that name.

    Raises:
        UsageError: it is not, or no plugin has that name.
    """
    for name, given in settings.options.items():
        specs = [spec for spec in registry if spec.name == name]
        if not specs:
            raise UsageError(
                f"--option names the plugin '{name}', which is not installed.",
                "Run `lipsync plugins list` to see the installed plugins.",
            )
        declared = {option.key for spec in specs for option in spec.options}
        for key in given:
            if key not in declared:
                known = ", ".join(sorted(declared)) or "none"
                raise UsageError(f"'{name}' has no option '{key}'.", f"Its options: {known}.")
