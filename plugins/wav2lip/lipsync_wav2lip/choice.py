"""Decides which file runs on what, for the probe and for `open` alike. Loads nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lipsync_core.contracts import Unavailable
from lipsync_core.networks import runtime
from lipsync_core.networks.runtime import Exportable, RuntimeChoice
from lipsync_core.weights.remedy import remedy
from lipsync_wav2lip.spec import STEMS, WAV2LIP

if TYPE_CHECKING:
    from lipsync_core.contracts import OpenContext

CHECKPOINTS = {"auto": STEMS, "gan": ("wav2lip_gan",), "plain": ("wav2lip",)}


def choose(context: OpenContext) -> RuntimeChoice | Unavailable:
    """What `context` runs with on this computer, or why it cannot."""
    stems = CHECKPOINTS[str(context.options.get("checkpoint", "auto"))]
    for network in (exportable(stem, context) for stem in stems):
        if network.checkpoint is not None or network.found(context) is not None:
            return runtime.choose_runtime(context, network)
    names = " or ".join(f"{stem}.pth" for stem in stems)
    return Unavailable(reason=f"its weights are not here: {names}", hint=get(stems[0]))


def exportable(stem: str, context: OpenContext) -> Exportable:
    """One of the two networks, with its files on this computer."""
    return Exportable(
        plugin=WAV2LIP.name,
        distribution="lipsync-wav2lip",
        stem=stem,
        title=f"{stem}.pth",
        checkpoint=context.weights.get(f"{stem}.pth"),
        remedy=get(stem),
        model=context.weights.get(f"{stem}.onnx"),
        # Measured on a CPU in fp32: ONNX Runtime is a little faster for few frames, equal for eight, and
        # starts without torch. In half precision, and on GPUs, torch is faster.
        onnx_on_cpu=True,
    )


def get(stem: str) -> str:
    """How to get a checkpoint."""
    return remedy(WAV2LIP.name, [w for w in WAV2LIP.weights if w.path == f"{stem}.pth"])
