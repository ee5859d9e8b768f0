"""The hooks of LatentSync: what this distribution offers, as data."""

from __future__ import annotations

from collections.abc import Callable

from lipsync_core.hookspecs import hookimpl
from lipsync_core.specs import BlenderSpec, GeneratorSpec
from lipsync_latentsync.spec import LATENTSYNC, LATENTSYNC15, QUADRILATERAL


@hookimpl
def lipsync_register_blenders(register: Callable[[BlenderSpec], None]) -> None:
    """Offer the original's paste."""
    register(QUADRILATERAL)


@hookimpl
def lipsync_register_generators(register: Callable[[GeneratorSpec], None]) -> None:
    """Offer the generators, one for each size."""
    register(LATENTSYNC)
    register(LATENTSYNC15)
