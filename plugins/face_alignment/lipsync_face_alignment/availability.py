"""Whether the detector can run here, beyond packages and the box network's file: FAN's file."""

from __future__ import annotations

from pathlib import Path

from lipsync_core.contracts import OpenContext, ProbeContext, ProbeResult, Ready, Unavailable
from lipsync_core.weights.remedy import remedy
from lipsync_face_alignment.spec import FACE_ALIGNMENT, FAN_FILES, S3FD


def probe(context: ProbeContext) -> ProbeResult:
    """Ready with FAN's file, or that it is missing; the core checks everything else."""
    opened = context.context
    fan = fan_file(opened)
    if fan is None:
        return Unavailable(
            reason="its weights are not here: " + " or ".join(w.path for w in FAN_FILES),
            hint=f"{remedy(FACE_ALIGNMENT.name, FAN_FILES[1:])}, or with the file at hand: "
            "lipsync weights import FILE.",
        )
    return Ready(detail=f"with {fan.name} on {opened.device}")


def fan_file(context: OpenContext) -> Path | None:
    """The landmark network's file: the first of the two that is there."""
    return next((context.weights[w.path] for w in FAN_FILES if w.path in context.weights), None)


def s3fd_file(context: OpenContext) -> Path | None:
    """The box network's file."""
    return context.weights.get(S3FD.path)
