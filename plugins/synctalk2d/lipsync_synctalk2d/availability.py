"""Whether a person's network can run here: what was chosen, as the probe's answer."""

from __future__ import annotations

from lipsync_core.contracts import ProbeContext, ProbeResult, Ready
from lipsync_core.networks.runtime import RuntimeChoice
from lipsync_synctalk2d.ave_choice import choose_ave
from lipsync_synctalk2d.choice import Choice, choose
from lipsync_synctalk2d.layouts import encoder_for


def probe_328(context: ProbeContext) -> ProbeResult:
    """Ready with person, file and precision for the large network, or what is missing."""
    return _probe(320, context)


def probe_160(context: ProbeContext) -> ProbeResult:
    """The same for the small one."""
    return _probe(160, context)


def probe_ave(context: ProbeContext) -> ProbeResult:
    """Ready with the runtime for the AVE encoder, or what is missing."""
    found = choose_ave(context.context)
    if not isinstance(found, RuntimeChoice):
        return found
    name = "ONNX Runtime" if found.model else "torch"
    return Ready(detail=f"with {name} on {context.context.device}")


def _probe(side: int, context: ProbeContext) -> ProbeResult:
    chosen = choose(side, context.context)
    if not isinstance(chosen, Choice):
        return chosen
    assert chosen.runs is not None  # `choose` decides it
    where = f"{chosen.runs.precision} on {context.context.device}"
    how = f"with ONNX Runtime in {where}" if chosen.runs.runtime == "onnx" else f"in {where}"
    return Ready(
        detail=f"{chosen.person} ({chosen.file.name}) {how}",
        audio_encoder=encoder_for(chosen.layout),
    )
