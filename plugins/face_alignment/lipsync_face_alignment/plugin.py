"""The hooks of this distribution: one detector, as data."""

from __future__ import annotations

from collections.abc import Callable

from lipsync_core.hookspecs import hookimpl
from lipsync_core.specs import DetectorSpec
from lipsync_face_alignment.spec import FACE_ALIGNMENT


@hookimpl
def lipsync_register_detectors(register: Callable[[DetectorSpec], None]) -> None:
    """Offer the detector."""
    register(FACE_ALIGNMENT)
