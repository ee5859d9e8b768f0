"""Decides what LatentSync runs with, for the probes and for `open`. Loads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from lipsync_core.contracts import Ready, Unavailable
from lipsync_core.machine import hardware
from lipsync_core.networks.compiling import unfit_compiler
from lipsync_core.networks.precision import precision_for, unfit_precision
from lipsync_core.weights import location
from lipsync_latentsync.spec import LATENTSYNC, LATENTSYNC15, MAIN_MEMORY, UNET, VAE, VAE_CONFIG

if TYPE_CHECKING:
    from pathlib import Path

    from lipsync_core.contracts import OpenContext, ProbeContext, ProbeResult
    from lipsync_core.specs import GeneratorSpec

Memory = Literal["auto", "sliced", "tiled"]
"""How the autoencoder limits its memory, see `Autoencoder`."""
_LOOK = 1 << 16
"""Bytes that are compared at each of a few places of two files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What the networks are loaded from, in upstream's layout, and whose they are."""

    plugin: str
    unet: Path
    vae: Path
    vae_config: Path


def files(spec: GeneratorSpec, context: OpenContext) -> Files | None:
    """The files of a context; None where one is missing, which the core's own probe tells."""
    weights = context.weights
    if not all(path in weights for path in (UNET, VAE, VAE_CONFIG)):
        return None
    return Files(
        plugin=spec.name,
        unet=weights[UNET],
        vae=weights[VAE],
        vae_config=weights[VAE_CONFIG],
    )


def contradiction(context: OpenContext) -> Unavailable | None:
    """Settings that cannot work, whatever is installed."""
    unfit = unfit_precision(context)
    if unfit is None and context.options.get("compile", False):
        unfit = unfit_compiler(context)
    return unfit


def too_large(context: OpenContext) -> Unavailable | None:
    """Too little main memory for the precision; the core checks the least that any precision needs."""
    needed, have = MAIN_MEMORY.get(precision_for(context), 0), hardware.detect().memory
    if context.device != "cpu" or not have or needed <= have:
        return None
    return Unavailable(
        reason=f"in {precision_for(context)} it needs {needed / 2**30:.1f} GiB of memory, here are "
        f"{have / 2**30:.1f}",
        hint="Choose --precision bf16, or a smaller generator.",
    )


def memory_of(context: OpenContext) -> Memory:
    """How the autoencoder limits its memory."""
    return cast(Memory, str(context.options.get("vae", "auto")))


def mixed_up(spec: GeneratorSpec, context: OpenContext) -> Unavailable | None:
    """The same file in both versions' folders: with one of the two every mouth would be blurred.

    Nothing in the files says which version they are of.
    """
    other = LATENTSYNC15 if spec.name == LATENTSYNC.name else LATENTSYNC
    mine, its = context.weights.get(UNET), location.locate(other).get(UNET)
    if mine is None or its is None or not _same(mine, its):
        return None
    return Unavailable(
        reason=f"{mine} is the same file as that of {other.name}, {its}, but each version has weights "
        "of its own",
        hint=f"Delete the wrong one, then: lipsync weights pull {spec.name} (or {other.name}).",
    )


def _same(one: Path, other: Path) -> bool:
    """Whether two files are one, as far as a look at a few places of them tells."""
    if one.samefile(other):
        return True
    size = one.stat().st_size
    if size != other.stat().st_size:
        return False
    with one.open("rb") as a, other.open("rb") as b:
        for share in range(4):
            a.seek(size * share // 4)
            b.seek(size * share // 4)
            if a.read(_LOOK) != b.read(_LOOK):
                return False
    return True


def probe(context: ProbeContext) -> ProbeResult:
    """Ready with file and precision, or what is missing, for `latentsync`."""
    return _probe(LATENTSYNC, context.context)


def probe15(context: ProbeContext) -> ProbeResult:
    """The same for `latentsync15`."""
    return _probe(LATENTSYNC15, context.context)


def probe_syncnet(context: ProbeContext) -> ProbeResult:
    """Ready with the file, for the scorer; it computes in fp32."""
    opened = context.context
    unfit = unfit_precision(opened, ("fp32",))
    return unfit or Ready(detail=f"stable_syncnet.pt in fp32 on {opened.device}")


def _probe(spec: GeneratorSpec, context: OpenContext) -> ProbeResult:
    wrong = contradiction(context) or mixed_up(spec, context) or too_large(context)
    if wrong is not None:
        return wrong
    return Ready(detail=f"{UNET} in {precision_for(context)} on {context.device}")
