"""Resolves every plugin of a run before anything is decoded: the chain, detector, blender, enhancers.

A generator that cannot run here moves the chain on. A user's mistake, or a blender, enhancer or detector
that was asked for and cannot run, ends the run at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar, get_args

from lipsync_core.contracts import OpenContext, Unavailable
from lipsync_core.engine.chain.failures import Attempt
from lipsync_core.errors import PluginFault, PluginUnavailable, UsageError
from lipsync_core.faces.schemes import provides
from lipsync_core.records import Scheme
from lipsync_core.registry import BUILTIN, Registry
from lipsync_core.registry.probing import context_for, probe
from lipsync_core.registry.resolving import (
    Resolved,
    available,
    check_landmarks,
    check_options,
    resolve_detector,
    settings_context,
)
from lipsync_core.requests import PluginSettings, Precision, Silence, listed
from lipsync_core.specs import (
    AudioEncoderSpec,
    BlenderSpec,
    DetectorSpec,
    EnhancerSpec,
    GeneratorSpec,
)

Spec = TypeVar("Spec", BlenderSpec, EnhancerSpec)
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One link of the chain: a generator that can run here, with its encoder, as data.

    Attributes:
        spec: the generator, with what its options change in its declaration.
        context: what it is opened with.
        version: of its distribution.
        encoder: the audio encoder whose features it takes.
        blender: the blender of its own; None: it uses the run's.
        asked: the user named it; False for the embedded default added at the end.
        isolated: it runs in a process of its own.
    """

    spec: GeneratorSpec
    context: OpenContext
    version: str
    encoder: Resolved[AudioEncoderSpec]
    blender: Resolved[BlenderSpec] | None = None
    asked: bool = False
    isolated: bool = False

    @property
    def name(self) -> str:
        """Name of the generator."""
        return self.spec.name

    def weight_stamps(self) -> dict[str, list[int] | None]:
        """Size and time of each weight file, which tell that it is the same; None where it is gone.

        Reading all of it would take longer than many runs.
        """
        return {name: _stamp(path) for name, path in sorted(self.context.weights.items())}


def _stamp(path: Path) -> list[int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return [found.st_size, found.st_mtime_ns]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedPlugins:
    """Every plugin that a run may use; each can run here.

    Attributes:
        detector: finds the faces.
        candidates: the generators, in the order they are tried.
        attempts: the generators that cannot run here, and why.
        blender: puts new crops into the frame.
        enhancers: with their strengths 0..1, in order.
        rest: the embedded default, which closes the lips in silence for generators that cannot be told
            to rest; None where silence is not to be closed.
        default: name of the embedded default.
    """

    detector: Resolved[DetectorSpec]
    candidates: tuple[Candidate, ...]
    attempts: tuple[Attempt, ...]
    blender: Resolved[BlenderSpec]
    enhancers: tuple[tuple[Resolved[EnhancerSpec], float], ...]
    rest: Candidate | None
    default: str


def default_generator(registry: Registry) -> GeneratorSpec:
    """The embedded default: the generator that comes with the core itself."""
    for spec in registry.all(GeneratorSpec):
        if registry.row_of(spec).name == BUILTIN:
            return spec
    raise PluginUnavailable(
        "The built-in generator is missing.",
        "Reinstall it: pip install --force-reinstall lipsync-core",
    )


def resolve(
    registry: Registry, settings: PluginSettings, silence: Silence = "close"
) -> ResolvedPlugins:
    """Check all plugin settings and probe every plugin; opens none.

    Args:
        registry: the installed plugins.
        settings: which plugins, and how.
        silence: "close" wants a generator that closes lips.

    Raises:
        UsageError: a name, an option or a value that does not exist.
        PluginUnavailable: a plugin that has no fallback cannot run here, or no generator can (only with
            `strict`, or where the default is excluded).
    """
    _check_settings(settings)
    if silence not in get_args(Silence):
        raise UsageError(f"silence='{silence}' is not {listed(get_args(Silence))}.")
    check_options(registry, settings)
    default = default_generator(registry)
    names = list(dict.fromkeys(settings.generators))
    if not names or (default.name not in names and not settings.strict):
        names.append(default.name)
    for name in settings.isolate:
        if name not in names:
            raise UsageError(
                f"--isolate names '{name}', which this run does not try.",
                f"This run tries: {', '.join(names)}.",
            )
    detector = resolve_detector(registry, settings)
    blender = _companion(registry, BlenderSpec, settings.blender, settings, detector.spec)
    enhancers = [
        (_companion(registry, EnhancerSpec, name, settings, detector.spec), strength)
        for name, strength in settings.enhancers
    ]
    candidates: list[Candidate] = []
    attempts: list[Attempt] = []
    for name in names:
        found = _candidate(registry, settings, name, detector.spec)
        if isinstance(found, Candidate):
            candidates.append(found)
        else:
            attempts.append(Attempt.at_probe(name, found))
    if not candidates:
        raise PluginUnavailable(
            "None of the generators can run here: "
            + "; ".join(f"{a.generator}: {a.reason}" for a in attempts)
            + ".",
            attempts[0].hint,
        )
    return ResolvedPlugins(
        detector=detector,
        candidates=tuple(candidates),
        attempts=tuple(attempts),
        blender=blender,
        enhancers=tuple((e, e.spec.strength if s is None else s) for e, s in enhancers),
        rest=_resting(registry, default, settings) if silence == "close" else None,
        default=default.name,
    )


def as_set(spec: GeneratorSpec, context: OpenContext) -> GeneratorSpec:
    """What a generator declares with the options that it is opened with."""
    for variant in spec.variants:
        if context.options.get(variant.key):
            spec = replace(
                spec, chunk=variant.chunk, region=variant.region, blender=variant.blender
            )
    return spec


def _check_settings(settings: PluginSettings) -> None:
    """Check the values that belong to no single plugin."""
    kind, colon, index = settings.device.partition(":")
    if kind not in DEVICES or (colon and not (kind == "cuda" and index.isdigit())):
        raise UsageError(
            f"Unknown device '{settings.device}'.", "Use auto, cpu, cuda, cuda:N or mps."
        )
    if settings.precision not in get_args(Precision):
        raise UsageError(
            f"Unknown precision '{settings.precision}'.", f"Use {listed(get_args(Precision))}."
        )
    for name, strength in settings.enhancers:
        if strength is not None and not 0.0 <= strength <= 1.0:
            raise UsageError(
                f"Strength {strength} of the enhancer '{name}' is out of range.",
                "Choose a value from 0 to 1.",
            )


def _companion(
    registry: Registry,
    of: type[Spec],
    name: str,
    settings: PluginSettings,
    detector: DetectorSpec,
) -> Resolved[Spec]:
    """The blender or enhancer of a name, with the landmarks it needs."""
    found = available(registry, registry.get(of, name), settings)
    check_landmarks(found.spec, _scheme(found.spec), detector)
    return found


def _scheme(spec: BlenderSpec | EnhancerSpec) -> Scheme:
    return spec.scheme if isinstance(spec, BlenderSpec) else spec.crop.scheme


def _candidate(
    registry: Registry, settings: PluginSettings, name: str, detector: DetectorSpec
) -> Candidate | Unavailable:
    """The generator `name`, if it, its encoder, its blender and the detector work together here."""
    try:
        spec = registry.get(GeneratorSpec, name)
        encoder = registry.get(AudioEncoderSpec, spec.audio_encoder)
    except PluginUnavailable as error:  # installed, but broken: the chain moves on
        return Unavailable(reason=error.message, hint=error.hint)
    context = context_for(
        spec,
        device=settings.device,
        precision=settings.precision,
        options=settings.options_for(spec),
        seed=settings.seed,
    )
    result = probe(spec, context, commercial_only=settings.commercial_only)
    if isinstance(result, Unavailable):
        return result
    if not any(provides(scheme, spec.crop.scheme) for scheme in detector.schemes):
        return Unavailable(
            reason=f"it needs {spec.crop.scheme} landmarks, and the detector '{detector.name}' gives "
            f"{' or '.join(detector.schemes)}",
            hint="Omit --detector, or choose a generator that needs fewer landmarks.",
        )
    spec = as_set(spec, context)
    try:
        if result.audio_encoder:
            encoder = registry.get(AudioEncoderSpec, result.audio_encoder)
        heard = available(registry, encoder, settings)
        own = _own_blender(registry, spec, settings, detector)
    except (PluginUnavailable, PluginFault) as error:
        return Unavailable(reason=error.message, hint=error.hint)
    return Candidate(
        spec=spec,
        context=context,
        version=registry.row_of(spec).version,
        encoder=heard,
        blender=own,
        asked=name in settings.generators or not settings.generators,
        isolated=name in settings.isolate,
    )


def _own_blender(
    registry: Registry, spec: GeneratorSpec, settings: PluginSettings, detector: DetectorSpec
) -> Resolved[BlenderSpec] | None:
    """The blender that a generator has of its own.

    Raises:
        PluginFault: there is none of that name; the plugin named it, not the user.
        PluginUnavailable: it cannot run here, or needs denser landmarks than the detector gives.
    """
    if spec.blender is None:
        return None
    try:
        return _companion(registry, BlenderSpec, spec.blender, settings, detector)
    except UsageError as error:
        raise PluginFault(error.message, error.hint) from error


def _resting(registry: Registry, spec: GeneratorSpec, settings: PluginSettings) -> Candidate:
    """The embedded default with closed lips; it needs no audio features, so its encoder is not probed."""
    encoder = registry.get(AudioEncoderSpec, spec.audio_encoder)
    return Candidate(
        spec=spec,
        context=context_for(spec, options=settings.options_for(spec)),
        version=registry.row_of(spec).version,
        encoder=Resolved(
            spec=encoder,
            context=settings_context(encoder, settings),
            version=registry.row_of(encoder).version,
        ),
    )
