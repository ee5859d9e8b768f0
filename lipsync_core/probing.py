"""Can a plugin run here? Answered from its declared data: no network, no model, well under 200 ms."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module, metadata, util

from lipsync_core import hardware, places
from lipsync_core.contracts import OpenContext, ProbeContext, ProbeResult, Ready, Unavailable
from lipsync_core.errors import UsageError
from lipsync_core.specs import Option, PluginSpec, Requirement
from lipsync_core.weights import location

OptionValue = bool | int | float | str


def context_for(
    spec: PluginSpec,
    *,
    device: str = "auto",
    precision: str = "auto",
    options: Mapping[str, str] | None = None,
    seed: int = 0,
    threads: int | None = None,
) -> OpenContext:
    """The context a run opens `spec` with on this computer.

    Args:
        spec: the plugin.
        device: "auto" takes the best of the spec's devices that is present.
        precision: passed on.
        options: what the user set for this plugin, as text.
        seed: passed on.
        threads: CPU threads; default: all cores.

    Raises:
        UsageError: an option that the spec does not declare, or a value of the wrong type.
    """
    return OpenContext(
        device=_device(spec, device),
        precision=precision,
        threads=threads or hardware.detect().cores,
        weights=location.locate(spec),
        cache=places.cache() / "plugins" / spec.name,
        options=_options(spec, options or {}),
        seed=seed,
    )


def probe(
    spec: PluginSpec, context: OpenContext | None = None, *, commercial_only: bool = False
) -> ProbeResult:
    """Whether `spec` can run, and with what; never raises for a plugin's own failure."""
    context = context or context_for(spec)
    if commercial_only and spec.licence.commercial is not True:
        return Unavailable(
            reason=f"its weights may not clearly be used commercially ({spec.licence.weights})",
            hint="Leave out --commercial-only, or choose another generator.",
        )
    for requirement in spec.requires:
        problem = _lacking(requirement)
        if problem:
            return Unavailable(reason=problem, hint=f'pip install "{_pip(requirement)}"')
    absent = location.missing(spec)
    if absent:
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        return Unavailable(
            reason=f"its weights are not here: {absent[0]}{more}",
            hint=_weights_hint(spec, absent),
        )
    kind = context.device.partition(":")[0]
    if kind not in hardware.detect().devices:
        return Unavailable(
            reason=f"it needs a device of type {' or '.join(spec.devices)}, and there is none",
            hint="Run it on a computer that has one.",
        )
    short = _memory_short(spec, kind)
    if short:
        return Unavailable(reason=short, hint="Choose a smaller generator or device.")
    return _own_probe(spec, context) if spec.probe else Ready(detail=f"on {context.device}")


def _own_probe(spec: PluginSpec, context: OpenContext) -> ProbeResult:
    module, _, name = (spec.probe or "").partition(":")
    try:
        result = getattr(import_module(module), name)(ProbeContext(context=context))
    except Exception as error:  # noqa: BLE001 - a failing probe is an answer, not our crash
        return Unavailable(
            reason=f"its probe failed: {type(error).__name__}: {error}",
            hint="Reinstall the plugin, or report this to its author.",
        )
    if isinstance(result, Ready | Unavailable):
        return result
    return Unavailable(
        reason=f"its probe gave a {type(result).__name__}", hint="Report this to its author."
    )


def _lacking(requirement: Requirement) -> str:
    try:
        present = util.find_spec(requirement.module) is not None
    except (ImportError, ValueError):
        present = False
    if not present:
        return f"the package '{requirement.distribution}' is not installed"
    if requirement.minimum is None:
        return ""
    try:
        version = metadata.version(requirement.distribution)
    except metadata.PackageNotFoundError:
        return ""
    if _numbers(version) < _numbers(requirement.minimum):
        return (
            f"it needs {requirement.distribution} {requirement.minimum} or newer, here is {version}"
        )
    return ""


def _numbers(version: str) -> tuple[int, ...]:
    head = version.split("+")[0].split("-")[0]
    return tuple(int(p) for p in head.split(".")[:3] if p.isdigit())


def _pip(requirement: Requirement) -> str:
    floor = f">={requirement.minimum}" if requirement.minimum else ""
    return requirement.distribution + floor


def _weights_hint(spec: PluginSpec, absent: list[str]) -> str:
    first = next(w for w in spec.weights if w.path == absent[0])
    source = f"the hub repository {first.repository}" if first.repository else first.origin
    return f"Put them into {location.folder(spec)} (from {source or 'their publisher'})."


def _memory_short(spec: PluginSpec, kind: str) -> str:
    if spec.memory is None:
        return ""
    here = hardware.detect()
    have = max((g.memory for g in here.gpus), default=0) if kind == "cuda" else here.memory
    if have and spec.memory > have:
        need = spec.memory / 2**30
        return f"it needs {need:.1f} GiB of {kind} memory, here are {have / 2**30:.1f}"
    return ""


def _device(spec: PluginSpec, wanted: str) -> str:
    if wanted != "auto":
        return wanted
    present = hardware.detect().devices
    return next((d for d in spec.devices if d in present), spec.devices[0])


def _options(spec: PluginSpec, given: Mapping[str, str]) -> dict[str, OptionValue]:
    declared = {o.key: o for o in spec.options}
    values: dict[str, OptionValue] = {o.key: o.default for o in spec.options}
    for key, text in given.items():
        if key not in declared:
            known = ", ".join(sorted(declared)) or "none"
            raise UsageError(f"'{spec.name}' has no option '{key}'.", f"Its options: {known}.")
        values[key] = _typed(spec, declared[key], text)
    return values


def _typed(spec: PluginSpec, option: Option, text: str) -> OptionValue:
    kind = type(option.default)
    try:
        if kind is bool:
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[
                text.lower()
            ]
        return kind(text)
    except (KeyError, ValueError):
        raise UsageError(
            f"Option {spec.name}.{option.key}={text} is not a {kind.__name__}.",
            f"For example {spec.name}.{option.key}={option.default}.",
        ) from None
