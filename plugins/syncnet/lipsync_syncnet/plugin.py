"""The hook of SyncNet: what this distribution offers, as data."""

from __future__ import annotations

from collections.abc import Callable

from lipsync_core.hookspecs import hookimpl
from lipsync_core.specs import ScorerSpec
from lipsync_syncnet.spec import SYNCNET


@hookimpl
def lipsync_register_scorers(register: Callable[[ScorerSpec], None]) -> None:
    """Offer the scorer."""
    register(SYNCNET)
