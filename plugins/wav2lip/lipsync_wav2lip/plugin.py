"""The hooks of Wav2Lip: what this distribution offers, as data."""

from __future__ import annotations

from collections.abc import Callable

from lipsync_core.hookspecs import hookimpl
from lipsync_core.specs import GeneratorSpec
from lipsync_wav2lip.spec import WAV2LIP


@hookimpl
def lipsync_register_generators(register: Callable[[GeneratorSpec], None]) -> None:
    """Offer the generator."""
    register(WAV2LIP)
