"""Finds weight files that are already on disk. Never downloads, never reads their content."""

from __future__ import annotations

from pathlib import Path

from lipsync_core.machine import places
from lipsync_core.specs import PluginSpec, WeightFile
from lipsync_core.weights import hub_cache

__all__ = ["folder", "locate", "missing"]


def folder(spec: PluginSpec) -> Path:
    """Where the weights of one plugin live, in their upstream layout."""
    return places.weights() / spec.name


def locate(spec: PluginSpec) -> dict[str, Path]:
    """The declared files that are there: path in the spec -> file on disk."""
    found = ((weight.path, find(spec, weight)) for weight in spec.weights)
    return {name: path for name, path in found if path is not None}


def find(spec: PluginSpec, weight: WeightFile) -> Path | None:
    """Where one declared file is: in the plugin's folder, else in the cache of Hugging Face's tools.

    A file counts when it is not empty and, where the spec states a size, has that size.
    """
    for candidate in (weight.path, *weight.alternatives):
        path = folder(spec) / candidate
        if _fits(path, weight):
            return path
    if weight.repository is None:
        return None
    cached = hub_cache.find(weight.repository, weight.file or weight.path)
    return cached if cached is not None and _fits(cached, weight) else None


def missing(spec: PluginSpec) -> list[str]:
    """Declared, not optional, and not there."""
    have = locate(spec)
    return [w.path for w in spec.weights if not w.optional and w.path not in have]


def _fits(path: Path, weight: WeightFile) -> bool:
    """Whether there is a file of the right size; not one that may not be looked at."""
    try:
        size = path.stat().st_size if path.is_file() else 0
    except OSError:
        return False
    return bool(size) and weight.size in (None, size)
