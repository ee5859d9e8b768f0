"""The probe of the detector `dwpose`. Loads nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lipsync_core.contracts import Ready
from lipsync_core.networks.precision import precision_for, unfit_precision

if TYPE_CHECKING:
    from lipsync_core.contracts import ProbeContext, ProbeResult


def probe(context: ProbeContext) -> ProbeResult:
    """Ready with the precision, or why it cannot run."""
    opened = context.context
    wrong = unfit_precision(opened)
    if wrong is not None:
        return wrong
    return Ready(detail=f"in {precision_for(opened, exact=True)} on {opened.device}")
