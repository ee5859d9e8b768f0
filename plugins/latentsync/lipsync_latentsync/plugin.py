"""The hooks of LatentSync: what this distribution offers, as data."""

from __future__ import annotations

from collections.abc import Callable

from lipsync_core.hookspecs import hookimpl
from lipsync_core.specs import AudioEncoderSpec, BlenderSpec, GeneratorSpec, ScorerSpec
from lipsync_latentsync.hybrid_spec import HYBRID, WHISPER_BOTH
from lipsync_latentsync.spec import LATENTSYNC, LATENTSYNC15, QUADRILATERAL
from lipsync_latentsync.syncnet_spec import STABLE_SYNCNET


@hookimpl
def lipsync_register_audio_encoders(register: Callable[[AudioEncoderSpec], None]) -> None:
    """Offer the hybrid's audio encoder."""
    register(WHISPER_BOTH)


@hookimpl
def lipsync_register_blenders(register: Callable[[BlenderSpec], None]) -> None:
    """Offer the original's paste."""
    register(QUADRILATERAL)


@hookimpl
def lipsync_register_generators(register: Callable[[GeneratorSpec], None]) -> None:
    """Offer the generators, one for each size, and the hybrid."""
    register(LATENTSYNC)
    register(LATENTSYNC15)
    register(HYBRID)


@hookimpl
def lipsync_register_scorers(register: Callable[[ScorerSpec], None]) -> None:
    """Offer LatentSync's SyncNet as a scorer."""
    register(STABLE_SYNCNET)
