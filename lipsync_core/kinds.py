"""The kinds of plugins, in one table: hooks, loading, contract cases, listing and reference derive from it.

A new kind is a row here, its spec in `specs`, its contract in `contracts` and its cases in `testing`.
"""

from __future__ import annotations

from dataclasses import dataclass

from lipsync_core import contracts, specs

__all__ = ["KINDS", "PluginKind", "kind_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginKind:
    """One kind of plugin.

    Attributes:
        spec: what a plugin of the kind declares; `spec.kind` is its name.
        plural: its name in the hook and in lists ("audio encoders").
        offers: what the hook is for, one sentence.
        contract: what a plugin of the kind implements; None: its factory names a function.
        cases: module with the contract cases of the kind (`CASES`); None: those of every plugin do.
    """

    spec: type[specs.Spec]
    plural: str
    offers: str
    contract: type[contracts.Plugin] | None = None
    cases: str | None = None

    @property
    def name(self) -> str:
        """The kind's name ("audio encoder")."""
        return self.spec.kind

    @property
    def hook(self) -> str:
        """Name of the hook that registers plugins of the kind."""
        return f"lipsync_register_{self.plural.replace(' ', '_')}"


KINDS: tuple[PluginKind, ...] = (
    PluginKind(
        spec=specs.GeneratorSpec,
        plural="generators",
        offers="Offer generators: face crops and audio features in, crops with a new mouth out.",
        contract=contracts.Generator,
        cases="lipsync_core.conformance.generator_cases",
    ),
    PluginKind(
        spec=specs.AudioEncoderSpec,
        plural="audio encoders",
        offers="Offer audio encoders: sound in, one row of features per video frame out.",
        contract=contracts.AudioEncoder,
        cases="lipsync_core.conformance.encoder_cases",
    ),
    PluginKind(
        spec=specs.DetectorSpec,
        plural="detectors",
        offers="Offer detectors: frames in, faces with landmarks out.",
        contract=contracts.Detector,
        cases="lipsync_core.conformance.detector_cases",
    ),
    PluginKind(
        spec=specs.BlenderSpec,
        plural="blenders",
        offers="Offer blenders: they put a generated crop into its frame.",
        contract=contracts.Blender,
        cases="lipsync_core.conformance.blender_cases",
    ),
    PluginKind(
        spec=specs.EnhancerSpec,
        plural="enhancers",
        offers="Offer enhancers: they improve face crops.",
        contract=contracts.Enhancer,
        cases="lipsync_core.conformance.enhancer_cases",
    ),
    PluginKind(
        spec=specs.ScorerSpec,
        plural="scorers",
        offers="Offer scorers for `lipsync eval`: they judge how well a mouth fits its audio.",
        contract=contracts.Scorer,
        cases="lipsync_core.conformance.scorer_cases",
    ),
    PluginKind(
        spec=specs.VoiceSpec,
        plural="voices",
        offers="Offer voices: text in, speech out.",
        contract=contracts.Voice,
        cases="lipsync_core.conformance.voice_cases",
    ),
    PluginKind(
        spec=specs.CommandSpec,
        plural="commands",
        offers="Offer verbs for the command line.",
    ),
)
"""In the order in which they are listed."""


def kind_of(spec: specs.Spec) -> PluginKind:
    """The kind of a plugin."""
    return next(kind for kind in KINDS if isinstance(spec, kind.spec))
