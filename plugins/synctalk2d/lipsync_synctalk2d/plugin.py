"""The hooks of SyncTalk_2D: what this distribution offers, as data."""

from __future__ import annotations

from collections.abc import Callable

from lipsync_core.hookspecs import hookimpl
from lipsync_core.specs import AudioEncoderSpec, CommandSpec, GeneratorSpec
from lipsync_synctalk2d.spec import ENCODERS, SYNCTALK2D, SYNCTALK2D160, TRAIN


@hookimpl
def lipsync_register_audio_encoders(register: Callable[[AudioEncoderSpec], None]) -> None:
    """Offer an encoder for each kind of features that a person may have been trained with."""
    for spec in ENCODERS:
        register(spec)


@hookimpl
def lipsync_register_generators(register: Callable[[GeneratorSpec], None]) -> None:
    """Offer the generators, one for each size."""
    register(SYNCTALK2D)
    register(SYNCTALK2D160)


@hookimpl
def lipsync_register_commands(register: Callable[[CommandSpec], None]) -> None:
    """Offer the training."""
    register(TRAIN)
