"""The chain: which generators are tried, in which order, and what became of each try.

What works is decided by probe, open, and looking at the output. A user's mistake never moves the chain
on: it is raised at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lipsync_core.contracts import OpenContext, Unavailable
from lipsync_core.engine.chain.failures import Attempt
from lipsync_core.errors import (
    PluginUnavailable,
    UsageError,
)
from lipsync_core.faces.schemes import provides
from lipsync_core.registry import BUILTIN, Registry
from lipsync_core.registry.contexts import companion
from lipsync_core.registry.detector import choose_detector
from lipsync_core.registry.probing import context_for, probe
from lipsync_core.requests import RunRequest
from lipsync_core.specs import AudioEncoderSpec, DetectorSpec, GeneratorSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One link: a generator with its encoder, and the context it would be opened with.

    Attributes:
        asked: the user named it; False for the embedded default added at the end.
        isolated: it works in a process of its own.
    """

    spec: GeneratorSpec
    encoder: AudioEncoderSpec
    context: OpenContext
    asked: bool
    isolated: bool = False


def default_generator(registry: Registry) -> GeneratorSpec:
    """The embedded default: the generator that came with the core itself."""
    for spec in registry.all(GeneratorSpec):
        if registry.row_of(spec).name == BUILTIN:
            return spec
    raise PluginUnavailable(
        "The built-in generator is missing.",
        "Reinstall it: pip install --force-reinstall lipsync-core",
    )


def resolve(registry: Registry, request: RunRequest) -> tuple[list[Candidate], list[Attempt]]:
    """Probe the chain.

    Returns:
        The generators that can run, in order, and why the others cannot.

    Raises:
        UsageError: a name or option that does not exist.
        PluginUnavailable: nothing can run (only with `strict`, or when the default is kept out).
    """
    default = default_generator(registry)
    names = list(dict.fromkeys(request.generators))
    if not names or (default.name not in names and not request.strict):
        names.append(default.name)
    _check_options(registry, request)
    for name in request.isolate:
        if name not in names:
            raise UsageError(
                f"--isolate names '{name}', which is not tried.",
                f"This run tries: {', '.join(names)}.",
            )
    detector = choose_detector(registry, request)
    candidates: list[Candidate] = []
    attempts: list[Attempt] = []
    for name in names:
        found = _candidate(registry, request, name, detector)
        if isinstance(found, Candidate):
            candidates.append(found)
        else:
            attempts.append(
                Attempt(
                    generator=name, phase="probe", shot=None, reason=found.reason, hint=found.hint
                )
            )
    if not candidates:
        raise PluginUnavailable(
            "None of the generators can run here: "
            + "; ".join(f"{a.generator}: {a.reason}" for a in attempts)
            + ".",
            attempts[0].hint,
        )
    return candidates, attempts


def _candidate(
    registry: Registry, request: RunRequest, name: str, detector: DetectorSpec
) -> Candidate | Unavailable:
    """The generator `name`, if it, its encoder and the detector can work together here."""
    try:
        spec = registry.get(GeneratorSpec, name)
        encoder = registry.get(AudioEncoderSpec, spec.audio_encoder)
    except PluginUnavailable as error:  # installed, but broken: the chain moves on
        return Unavailable(reason=error.message, hint=error.hint)
    context = context_for(
        spec,
        device=request.device,
        precision=request.precision,
        options=request.options_for(spec),
        seed=request.seed,
    )
    result = probe(spec, context, commercial_only=request.commercial_only)
    if not isinstance(result, Unavailable):
        if result.audio_encoder:
            encoder = registry.get(AudioEncoderSpec, result.audio_encoder)
        given = companion(encoder, request)
        result = probe(encoder, given, commercial_only=request.commercial_only)
    if isinstance(result, Unavailable):
        return result
    if not any(provides(scheme, spec.crop.scheme) for scheme in detector.schemes):
        return Unavailable(
            reason=f"it needs {spec.crop.scheme} landmarks, and the detector '{detector.name}' gives "
            f"{' or '.join(detector.schemes)}",
            hint="Leave out --detector, or choose a generator that needs fewer.",
        )
    spec = as_set(spec, context)
    asked = name in request.generators or not request.generators
    return Candidate(
        spec=spec, encoder=encoder, context=context, asked=asked, isolated=name in request.isolate
    )


def as_set(spec: GeneratorSpec, context: OpenContext) -> GeneratorSpec:
    """What a generator declares with the options that it is opened with."""
    for variant in spec.variants:
        if context.options.get(variant.key):
            spec = replace(
                spec, chunk=variant.chunk, region=variant.region, blender=variant.blender
            )
    return spec


def _check_options(registry: Registry, request: RunRequest) -> None:
    """Every option that was set is declared by something of that name."""
    for name, given in request.options.items():
        specs = [spec for spec in registry if spec.name == name]
        if not specs:
            raise UsageError(
                f"--option names the plugin '{name}', which is not installed.",
                "`lipsync plugins list` shows what is.",
            )
        declared = {option.key for spec in specs for option in spec.options}
        for key in given:
            if key not in declared:
                known = ", ".join(sorted(declared)) or "none"
                raise UsageError(f"'{name}' has no option '{key}'.", f"Its options: {known}.")
