"""Finds weight files that are already on disk. Never downloads, never reads their content."""

from __future__ import annotations

from pathlib import Path

from lipsync_core import places
from lipsync_core.specs import PluginSpec


def folder(spec: PluginSpec) -> Path:
    """Where the weights of one plugin live, in their upstream layout."""
    return places.weights() / spec.name


def locate(spec: PluginSpec) -> dict[str, Path]:
    """The declared files that are there: path in the spec -> file on disk.

    A file counts when it is not empty and, where the spec states a size, has that size.
    """
    found: dict[str, Path] = {}
    for weight in spec.weights:
        for candidate in (weight.path, *weight.alternatives):
            path = folder(spec) / candidate
            size = _size(path)
            if size and weight.size in (None, size):
                found[weight.path] = path
                break
    return found


def missing(spec: PluginSpec) -> list[str]:
    """Declared, not optional, and not there."""
    have = locate(spec)
    return [w.path for w in spec.weights if not w.optional and w.path not in have]


def _size(path: Path) -> int:
    """Bytes of a file; 0 when it is none, or may not be looked at."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0
