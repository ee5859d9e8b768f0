"""Can a plugin run here? Answered from its declared data: no network, no model, well under 200 ms."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module

from lipsync_core.contracts import OpenContext, ProbeContext, ProbeResult, Ready, Unavailable
from lipsync_core.errors import UsageError
from lipsync_core.machine import hardware, packages, places
from lipsync_core.specs import Option, PluginSpec, Requirement
from lipsync_core.weights import location
from lipsync_core.weights.remedy import remedy

__all__ = ["context_for", "probe", "unfit_onnx", "unfit_onnxruntime", "unfit_torch"]


OptionValue = bool | int | float | str
_SWITCHES = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
"""What users may write for a bool."""


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
        UsageError: an option that the spec does not declare, or a value of the wrong type, outside its
            limits or not among its choices.
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
    """Whether `spec` can run, and with what; never raises for a plugin's own failure.

    Everything that is missing is reported at once, so that one answer suffices.
    """
    context = context or context_for(spec)
    if commercial_only and spec.licence.commercial is not True:
        return Unavailable(
            reason=f"its weights may not clearly be used commercially ({spec.licence.weights})",
            hint=f"Omit --commercial-only, or choose another {spec.kind}.",
        )
    missing = [_packages(spec), _weights(spec, context), _hardware(spec, context)]
    found = [answer for answer in missing if answer is not None]
    own = _own_probe(spec, context, quiet=bool(found)) if spec.probe else None
    if isinstance(own, Unavailable):
        found.append(_classified(spec, context, own))
    if found:
        return Unavailable(
            reason="; ".join(answer.reason for answer in found),
            hint="; ".join([*(a.hint.rstrip(".") for a in found[:-1]), found[-1].hint]),
            lacks=found[0].lacks,
        )
    return own or Ready(detail=f"on {context.device}")


def unfit_torch(device: str) -> Unavailable | None:
    """Why the torch that is installed cannot use a device, as far as its version tells.

    `probe` asks this for every spec that requires torch; a plugin that may run without it asks by itself.

    Args:
        device: "cpu", "cuda", "cuda:1", "mps".

    Returns:
        None where it may work, and where torch is not installed.
    """
    if not device.startswith("cuda") or not packages.version("torch").endswith("+cpu"):
        return None
    return Unavailable(
        reason="the torch that is installed here cannot use the GPU",
        hint="Install a torch with CUDA, or choose --device cpu.",
        lacks="package",
    )


def unfit_onnx(context: OpenContext, instead: str) -> Unavailable | None:
    """Why an exported network, which computes in fp32, cannot run as a context wants it.

    Args:
        context: with device and precision.
        instead: how to do without ONNX Runtime, after "Choose --precision fp32, or ".

    Returns:
        None where it can.
    """
    if context.precision not in ("auto", "fp32"):
        return Unavailable(
            reason=f"its ONNX file computes in fp32, not in {context.precision}",
            hint=f"Choose --precision fp32, or {instead}.",
        )
    return unfit_onnxruntime(context.device)


def unfit_onnxruntime(device: str) -> Unavailable | None:
    """Why the onnxruntime that is installed cannot use a device; None where it can.

    Args:
        device: "cpu", "cuda", "cuda:1".
    """
    if not device.startswith("cuda") or packages.version("onnxruntime-gpu"):
        return None
    return Unavailable(
        reason="the onnxruntime that is installed here cannot use the GPU",
        hint="pip install onnxruntime-gpu, or choose --device cpu.",
        lacks="package",
    )


def _own_probe(spec: PluginSpec, context: OpenContext, quiet: bool) -> ProbeResult | None:
    """What the spec's own function says; with `quiet` a failing one says nothing.

    It may well fail where a package that it needs is missing, which has been told then.
    """
    module, _, name = (spec.probe or "").partition(":")
    try:
        result = getattr(import_module(module), name)(ProbeContext(context=context))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a failing probe is an answer
        if quiet:
            return None
        return Unavailable(
            reason=f"its probe failed: {type(error).__name__}: {error}",
            hint="Reinstall the plugin, or report this to its author.",
            lacks="fault",
        )
    if isinstance(result, Ready | Unavailable):
        return result
    return Unavailable(
        reason=f"its probe gave a {type(result).__name__}",
        hint="Report this to its author.",
        lacks="fault",
    )


def _classified(spec: PluginSpec, context: OpenContext, answer: Unavailable) -> Unavailable:
    """A probe's own answer; weights are lacking where it does not say what is, and no weight file is here."""
    if answer.lacks == "setup" and spec.weights and not context.weights:
        return replace(answer, lacks="weights")
    return answer


def _packages(spec: PluginSpec) -> Unavailable | None:
    absent = [r for r in spec.requires if not packages.installed(r.module)]
    old = [(r, v) for r in spec.requires if r not in absent and (v := _too_old(r))]
    told = [f"it needs {r.distribution} {r.minimum} or newer, here is {v}" for r, v in old]
    if absent:
        names = ", ".join(f"'{r.distribution}'" for r in absent)
        verb = "package {} is" if len(absent) == 1 else "packages {} are"
        told.insert(0, f"the {verb.format(names)} not installed")
    if not told:
        return None
    wanted = " ".join(f'"{_pip(r)}"' for r in (*absent, *(r for r, _ in old)))
    return Unavailable(reason="; ".join(told), hint=f"pip install {wanted}", lacks="package")


def _too_old(requirement: Requirement) -> str:
    """The version that is here, if it is older than wanted; else empty."""
    if requirement.minimum is None:
        return ""
    version = packages.version(requirement.distribution)
    if not version:  # the module came with another distribution
        return ""
    return version if _numbers(version) < _numbers(requirement.minimum) else ""


def _numbers(version: str) -> tuple[int, int, int]:
    """Major, minor, micro; what follows a number ("0rc1", "0+cpu") does not count."""
    parts = [re.match(r"\d+", part) for part in version.split("+")[0].split(".")[:3]]
    found = [int(p.group()) if p else 0 for p in parts]
    major, minor, micro = (*found, 0, 0, 0)[:3]
    return major, minor, micro


def _pip(requirement: Requirement) -> str:
    floor = f">={requirement.minimum}" if requirement.minimum else ""
    return requirement.distribution + floor


def _weights(spec: PluginSpec, context: OpenContext) -> Unavailable | None:
    files = [w for w in spec.weights if not w.optional and w.path not in context.weights]
    if not files:
        return None
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return Unavailable(
        reason=f"its weights are not here: {files[0].path}{more}",
        hint=remedy(spec.name, files),
        lacks="weights",
    )


def _hardware(spec: PluginSpec, context: OpenContext) -> Unavailable | None:
    kind, _, index = context.device.partition(":")
    here = hardware.detect()
    if kind not in spec.devices:
        return Unavailable(
            reason=f"it runs on {' or '.join(spec.devices)}, not on {kind}",
            hint=f"Choose --device {spec.devices[0]}, or another generator.",
            lacks="device",
        )
    if kind not in here.devices:
        return Unavailable(
            reason=f"it needs a device of type {' or '.join(spec.devices)}, and there is none",
            hint="Run it on a computer that has one.",
            lacks="device",
        )
    if kind == "cuda" and index and not (index.isdigit() and int(index) < len(here.gpus)):
        return Unavailable(
            reason=f"there is no device {context.device}",
            hint=f"Choose cuda:0 to cuda:{len(here.gpus) - 1}.",
            lacks="device",
        )
    if any(r.module == "torch" for r in spec.requires) and (unfit := unfit_torch(context.device)):
        return unfit
    have, wanted = here.memory, spec.memory
    if kind == "cpu" and spec.main_memory is not None:
        wanted = spec.main_memory
    if kind == "cuda":
        have = here.gpus[int(index)].memory if index else max(g.memory for g in here.gpus)
    if wanted is not None and have and wanted > have:
        need = wanted / 2**30
        return Unavailable(
            reason=f"it needs {need:.1f} GiB of {kind} memory, here are {have / 2**30:.1f}",
            hint="Choose a smaller generator or device.",
            lacks="device",
        )
    return None


def _device(spec: PluginSpec, wanted: str) -> str:
    if wanted != "auto":
        return wanted
    present = hardware.detect().devices
    return next((d for d in spec.devices if d in present), (*spec.devices, "cpu")[0])


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
            return _SWITCHES[text.lower()]
        value = kind(text)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError
    except (KeyError, ValueError):
        raise _wrong(spec, option, text, f"a {kind.__name__}") from None
    if not option.allows(value):
        raise _wrong(spec, option, text, option.allowed)
    return value


def _wrong(spec: PluginSpec, option: Option, text: str, allowed: str) -> UsageError:
    return UsageError(
        f"Option {spec.name}.{option.key}={text} is not {allowed}.",
        f"For example {spec.name}.{option.key}={option.default}.",
    )
