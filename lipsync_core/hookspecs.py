"""All hooks, on one screen. A plugin implements the ones it has something for.

The entry point (group `lipsync`) names a module with functions decorated by `lipsync_core.hookimpl`.
Each is handed `register`, to be called once for every spec.
"""

from __future__ import annotations

from collections.abc import Callable

import pluggy

from lipsync_core import specs

__all__ = [
    "hookimpl",
    "lipsync_register_audio_encoders",
    "lipsync_register_blenders",
    "lipsync_register_commands",
    "lipsync_register_detectors",
    "lipsync_register_enhancers",
    "lipsync_register_generators",
    "lipsync_register_scorers",
    "lipsync_register_voices",
]


PROJECT = "lipsync"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function of a plugin as the implementation of the hook of the same name."""


@hookspec
def lipsync_register_detectors(register: Callable[[specs.DetectorSpec], None]) -> None:
    """Offer face detectors."""


@hookspec
def lipsync_register_audio_encoders(register: Callable[[specs.AudioEncoderSpec], None]) -> None:
    """Offer audio encoders."""


@hookspec
def lipsync_register_generators(register: Callable[[specs.GeneratorSpec], None]) -> None:
    """Offer generators."""


@hookspec
def lipsync_register_enhancers(register: Callable[[specs.EnhancerSpec], None]) -> None:
    """Offer enhancers."""


@hookspec
def lipsync_register_blenders(register: Callable[[specs.BlenderSpec], None]) -> None:
    """Offer blenders."""


@hookspec
def lipsync_register_scorers(register: Callable[[specs.ScorerSpec], None]) -> None:
    """Offer scorers for `lipsync eval`."""


@hookspec
def lipsync_register_voices(register: Callable[[specs.VoiceSpec], None]) -> None:
    """Offer voices for text to speech."""


@hookspec
def lipsync_register_commands(register: Callable[[specs.CommandSpec], None]) -> None:
    """Offer verbs for the command line."""
