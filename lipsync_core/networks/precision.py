"""What a network computes in, settled before torch is loaded: for a plugin's probe, and `open` after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lipsync_core.contracts import Unavailable
from lipsync_core.machine import hardware

if TYPE_CHECKING:
    from lipsync_core.contracts import OpenContext

__all__ = ["PRECISIONS", "precision_for", "unfit_precision"]


PRECISIONS = ("fp32", "bf16", "fp16")
"""What a network in torch can compute in; fp16 on GPUs only."""


def unfit_precision(
    context: OpenContext, precisions: Sequence[str] = PRECISIONS
) -> Unavailable | None:
    """Why a network cannot compute in the precision that was asked for; None where it can.

    Args:
        context: of the run; "auto" always fits.
        precisions: those that the network is offered in.
    """
    on_cpu = context.device == "cpu"
    fit = [p for p in precisions if p != "fp16" or not on_cpu]
    if context.precision in ("auto", *fit):
        return None
    where = " on a CPU" if context.precision in precisions else ""
    return Unavailable(
        reason=f"it does not compute in {context.precision}{where}",
        hint=f"Choose --precision {' or '.join(fit)}.",
    )


def precision_for(context: OpenContext, *, exact: bool = False) -> str:
    """What a network computes in: the precision that was asked for, or what "auto" means on the device.

    That is fp16 on a CUDA GPU, bf16 on a CPU that has instructions for it, and fp32 elsewhere.

    Args:
        context: of the run.
        exact: "auto" is fp32 everywhere, for comparisons with an original.
    """
    if context.precision != "auto":
        return context.precision
    if exact:
        return "fp32"
    if context.device.startswith("cuda"):
        return "fp16"
    return "bf16" if context.device == "cpu" and hardware.detect().bf16 else "fp32"
