"""Whether SyncNet can run here, beyond what the core asks anyway: its precision."""

from __future__ import annotations

from lipsync_core.contracts import ProbeContext, ProbeResult, Ready
from lipsync_core.networks.precision import unfit_precision
from lipsync_syncnet.spec import WEIGHTS_FILE


def probe(context: ProbeContext) -> ProbeResult:
    """Ready with what will be used; the core checks torch and the file."""
    wanted = context.context
    file = wanted.weights.get(WEIGHTS_FILE)
    name = file.name if file else WEIGHTS_FILE
    return unfit_precision(wanted, ("fp32",)) or Ready(
        detail=f"{name} with torch in fp32 on {wanted.device}"
    )
