"""The hooks of this distribution: four enhancers, as data."""

from __future__ import annotations

from collections.abc import Callable

from lipsync_core.hookspecs import hookimpl
from lipsync_core.specs import EnhancerSpec
from lipsync_restoration.spec import ALL


@hookimpl
def lipsync_register_enhancers(register: Callable[[EnhancerSpec], None]) -> None:
    """Offer the enhancers."""
    for spec in ALL:
        register(spec)
