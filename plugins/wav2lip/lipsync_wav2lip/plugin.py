"""The hooks of Wav2Lip: what this distribution offers, as data."""

from __future__ import annotations

from collections.abc import Callable

from lipsync_core.hookspecs import hookimpl
from lipsync_core.specs import BlenderSpec, GeneratorSpec, ScorerSpec
from lipsync_wav2lip.spec import EXPERT, PASTE, WAV2LIP


@hookimpl
def lipsync_register_generators(register: Callable[[GeneratorSpec], None]) -> None:
    """Offer the generator."""
    register(WAV2LIP)


@hookimpl
def lipsync_register_blenders(register: Callable[[BlenderSpec], None]) -> None:
    """Offer the original's hard rectangle, for comparisons."""
    register(PASTE)


@hookimpl
def lipsync_register_scorers(register: Callable[[ScorerSpec], None]) -> None:
    """Offer the lip-sync expert."""
    register(EXPERT)
