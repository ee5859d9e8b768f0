"""What MuseTalk runs with: the one truth that the probe tells and `open` follows. Loads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lipsync_core.contracts import Ready, Unavailable
from lipsync_core.networks.precision import precision_for

if TYPE_CHECKING:
    from pathlib import Path

    from lipsync_core.contracts import OpenContext, ProbeContext, ProbeResult

PRECISIONS = ("auto", "fp32", "bf16", "fp16")
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
    """What is wrong with the settings themselves."""
    if context.precision not in PRECISIONS:
        return Unavailable(
            reason=f"there is no precision {context.precision}",
            hint=f"Choose one of {', '.join(PRECISIONS)}.",
        )
    if context.precision == "fp16" and context.device == "cpu":
        return Unavailable(
            reason="it does not compute in fp16 on a CPU", hint="Choose --precision bf16 or fp32."
        )
    return None


def probe(context: ProbeContext) -> ProbeResult:
    """Ready with file and precision, or what is missing."""
    opened = context.context
    wrong = contradiction(opened)
    if wrong is not None:
        return wrong
    found = files(opened)
    name = found.unet.name if found else "nothing"
    return Ready(detail=f"{name} in {precision_for(opened)} on {opened.device}")
