"""What the hybrid runs with: the files of `latentsync15`, `musetalk` and Whisper. Loads nothing.

It has no weight files of its own, so nothing is stored twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lipsync_core.contracts import Ready, Unavailable
from lipsync_core.machine.packages import installed
from lipsync_core.networks.precision import precision_for
from lipsync_core.weights import location
from lipsync_latentsync.availability import contradiction, too_large
from lipsync_latentsync.spec import LATENTSYNC15, UNET, VAE, VAE_CONFIG

if TYPE_CHECKING:
    from pathlib import Path

    from lipsync_core.contracts import OpenContext, ProbeContext, ProbeResult

_UNET, _UNET_CONFIG = "musetalkV15/unet.pth", "musetalkV15/musetalk.json"
_WHISPER = ("pytorch_model.bin", "model.safetensors", "tiny.pt")
"""One is enough, as for the encoders of lipsync-musetalk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HybridFiles:
    """What the networks are loaded from.

    Attributes:
        unet: LatentSync's.
        vae: of both.
        vae_config: of both.
        fallback: MuseTalk's UNet and its configuration; None: there is nothing to fall back on.
    """

    unet: Path
    vae: Path
    vae_config: Path
    fallback: tuple[Path, Path] | None


def files() -> HybridFiles | Unavailable:
    """The files, or what is missing."""
    found = location.locate(LATENTSYNC15)
    if not all(path in found for path in (UNET, VAE, VAE_CONFIG)):
        return Unavailable(
            reason="the weights of latentsync15, which it runs with, are not here",
            hint=f"lipsync weights pull {LATENTSYNC15.name}",
            lacks="weights",
        )
    return HybridFiles(
        unet=found[UNET], vae=found[VAE], vae_config=found[VAE_CONFIG], fallback=_musetalk()
    )


def whisper() -> Path | Unavailable:
    """Whisper tiny, wherever one of the encoders of lipsync-musetalk has it."""
    if not installed("lipsync_musetalk"):
        return Unavailable(
            reason="the package 'lipsync-musetalk' is not installed",
            hint="pip install lipsync-musetalk",
            lacks="package",
        )
    from lipsync_musetalk.spec import WHISPER, WHISPER_LATENTSYNC

    for spec in (WHISPER_LATENTSYNC, WHISPER):
        found = location.locate(spec)
        for file in _WHISPER:
            if file in found:
                return found[file]
    return Unavailable(
        reason="the weights of Whisper tiny are not here",
        hint=f"lipsync weights pull {WHISPER_LATENTSYNC.name}",
        lacks="weights",
    )


def probe(context: ProbeContext) -> ProbeResult:
    """Ready with the files found, or what is missing, for the generator."""
    opened: OpenContext = context.context
    wrong, found = contradiction(opened) or too_large(opened), files()
    if wrong is not None:
        return wrong
    if isinstance(found, Unavailable):
        return found
    how = f"{found.unet.name} in {precision_for(opened)} on {opened.device}"
    if found.fallback is None:
        how += (
            "; without MuseTalk's weights (lipsync weights pull musetalk) nothing to fall back on"
        )
    return Ready(detail=how)


def probe_encoder(context: ProbeContext) -> ProbeResult:
    """Ready with the file, or what is missing, for the audio encoder."""
    found = whisper()
    if isinstance(found, Unavailable):
        return found
    return Ready(detail=f"{found.name} on {context.context.device}")


def _musetalk() -> tuple[Path, Path] | None:
    if not installed("lipsync_musetalk"):
        return None
    from lipsync_musetalk.spec import MUSETALK

    found = location.locate(MUSETALK)
    if _UNET not in found or _UNET_CONFIG not in found:
        return None
    return found[_UNET], found[_UNET_CONFIG]
