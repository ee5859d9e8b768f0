"""Whether the enhancers can run here, beyond the packages that their specs name: files."""

from __future__ import annotations

from lipsync_core.contracts import ProbeContext, ProbeResult, Ready, Unavailable
from lipsync_core.registry.probing import unfit_onnxruntime
from lipsync_core.specs import EnhancerSpec
from lipsync_restoration.choice import choose
from lipsync_restoration.spec import CODEFORMER, GFPGAN, GPEN, RESTOREFORMER


def gfpgan(context: ProbeContext) -> ProbeResult:
    """Probe of the enhancer `gfpgan`."""
    return _probe(GFPGAN, context)


def codeformer(context: ProbeContext) -> ProbeResult:
    """Probe of the enhancer `codeformer`."""
    return _probe(CODEFORMER, context)


def restoreformer(context: ProbeContext) -> ProbeResult:
    """Probe of the enhancer `restoreformer`."""
    return _probe(RESTOREFORMER, context)


def gpen(context: ProbeContext) -> ProbeResult:
    """Probe of the enhancer `gpen`."""
    return _probe(GPEN, context)


def _probe(spec: EnhancerSpec, context: ProbeContext) -> ProbeResult:
    opened = context.context
    weight = choose(spec, opened)
    if isinstance(weight, Unavailable):
        return weight
    return Ready(detail=f"with {opened.weights[weight.path].name} {_where(opened.device)}")


def _where(device: str) -> str:
    """The device, as far as it can be told without loading onnxruntime."""
    if unfit_onnxruntime(device) is not None:
        return "on the CPU (for the GPU: pip install onnxruntime-gpu in place of onnxruntime)"
    return f"on {device}"
