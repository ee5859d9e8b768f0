"""The hooks of MuseTalk: what this distribution offers, as data."""

from __future__ import annotations

from collections.abc import Callable

from lipsync_core.hookspecs import hookimpl
from lipsync_core.specs import AudioEncoderSpec, BlenderSpec, DetectorSpec, GeneratorSpec
from lipsync_musetalk.pose_spec import DWPOSE
from lipsync_musetalk.spec import MUSETALK, MUSETALK10, PARSING, WHISPER, WHISPER_LATENTSYNC


@hookimpl
def lipsync_register_audio_encoders(register: Callable[[AudioEncoderSpec], None]) -> None:
    """Offer Whisper's features for MuseTalk and for LatentSync."""
    register(WHISPER)
    register(WHISPER_LATENTSYNC)


@hookimpl
def lipsync_register_detectors(register: Callable[[DetectorSpec], None]) -> None:
    """Offer the landmarks of MuseTalk's script."""
    register(DWPOSE)


@hookimpl
def lipsync_register_blenders(register: Callable[[BlenderSpec], None]) -> None:
    """Offer the mask that follows the parts of a face."""
    register(PARSING)


@hookimpl
def lipsync_register_generators(register: Callable[[GeneratorSpec], None]) -> None:
    """Offer both versions."""
    register(MUSETALK)
    register(MUSETALK10)
