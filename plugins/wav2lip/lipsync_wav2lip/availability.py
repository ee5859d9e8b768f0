"""Whether Wav2Lip can run here: what was chosen, as the probe's answer."""

from __future__ import annotations

from lipsync_core.contracts import ProbeContext, ProbeResult, Ready
from lipsync_core.networks.runtime import RuntimeChoice
from lipsync_wav2lip.choice import choose


def probe(context: ProbeContext) -> ProbeResult:
    """Ready with file, runtime and precision, or what is missing."""
    chosen = choose(context.context)
    if not isinstance(chosen, RuntimeChoice):
        return chosen
    how = "ONNX Runtime" if chosen.runtime == "onnx" else "torch"
    made = ""
    if chosen.missing and chosen.checkpoint is not None:
        made = f", made from {chosen.checkpoint.name} at first use"
    return Ready(
        detail=f"{chosen.file.name} with {how} in {chosen.precision} on {context.context.device}{made}"
    )
