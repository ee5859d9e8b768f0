"""Decides what MuseTalk runs with, for the probe and for `open`. Loads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lipsync_core.contracts import Ready
from lipsync_core.networks.compiling import unfit_compiler
from lipsync_core.networks.precision import precision_for, unfit_precision

if TYPE_CHECKING:
    from pathlib import Path

    from lipsync_core.contracts import OpenContext, ProbeContext, ProbeResult, Unavailable

_UNETS = {
    "musetalkV15/unet.pth": "musetalkV15/musetalk.json",
    "musetalk/pytorch_model.bin": "musetalk/musetalk.json",
}
"""Weights and configuration of the two versions; a spec declares those of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What the networks are loaded from, in upstream's layout."""

    unet: Path
    unet_config: Path
    vae: Path
    vae_config: Path


def files(context: OpenContext) -> Files | None:
    """The files of a context; None where one is missing, which the core's own probe tells."""
    weights = context.weights
    for unet, config in _UNETS.items():
        wanted = (unet, config, "sd-vae/diffusion_pytorch_model.bin", "sd-vae/config.json")
        if all(path in weights for path in wanted):
            network, told, vae, vae_told = (weights[path] for path in wanted)
            return Files(unet=network, unet_config=told, vae=vae, vae_config=vae_told)
    return None


def contradiction(context: OpenContext) -> Unavailable | None:
    """Settings that cannot work, whatever is installed."""
    wrong = unfit_precision(context)
    if wrong is None and context.options.get("compile", False):
        return unfit_compiler(context)
    return wrong


def probe(context: ProbeContext) -> ProbeResult:
    """Ready with file and precision, or what is missing."""
    opened = context.context
    wrong = contradiction(opened)
    if wrong is not None:
        return wrong
    found = files(opened)
    name = found.unet.name if found else "nothing"
    return Ready(detail=f"{name} in {precision_for(opened)} on {opened.device}")
