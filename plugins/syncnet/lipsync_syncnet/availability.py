"""Whether SyncNet can run here, beyond what the core asks anyway: can this torch use the device?"""

from __future__ import annotations

from importlib import metadata

from lipsync_core.contracts import ProbeContext, ProbeResult, Ready, Unavailable
from lipsync_syncnet.spec import WEIGHTS_FILE


def probe(context: ProbeContext) -> ProbeResult:
    """Ready with what will be used; the package and the file themselves are asked for by the core."""
    wanted = context.context
    if wanted.precision not in ("auto", "fp32"):
        return Unavailable(
            reason=f"it computes in fp32, not in {wanted.precision}",
            hint="Leave out --precision.",
        )
    if wanted.device.startswith("cuda") and _torch().endswith("+cpu"):
        return Unavailable(
            reason="the torch that is installed here cannot use the GPU",
            hint="Install a torch with CUDA, or choose --device cpu.",
        )
    file = wanted.weights.get(WEIGHTS_FILE)
    name = file.name if file else WEIGHTS_FILE
    return Ready(detail=f"{name} with torch in fp32 on {wanted.device}")


def _torch() -> str:
    try:
        return metadata.version("torch")
    except metadata.PackageNotFoundError:
        return ""
