"""The bundled sample: a portrait and a voice that `lipsync run` uses when it is given neither."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

__all__ = ["portrait", "voice"]


def portrait() -> Path:
    """A portrait in the public domain; see README.md beside it."""
    return _path("portrait.png")


def voice() -> Path:
    """A few seconds of speech in the public domain; see README.md beside it."""
    return _path("voice.flac")


def _path(name: str) -> Path:
    # Wheels are unpacked on installation, so a resource is a file.
    return Path(str(resources.files(__package__) / name))
