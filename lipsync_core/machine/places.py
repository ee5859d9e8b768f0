"""Where lipsync keeps things on this computer: weights, cached analyses, unfinished runs."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = ["cache", "home", "weights"]


def home() -> Path:
    """Data folder: `LIPSYNC_HOME`, or the platform's folder for user data."""
    chosen = os.environ.get("LIPSYNC_HOME")
    return Path(chosen) if chosen else Path(platformdirs.user_data_path("lipsync", appauthor=False))


def cache() -> Path:
    """Cache folder: `LIPSYNC_CACHE`, or `cache` below `LIPSYNC_HOME`, or the platform's folder."""
    chosen = os.environ.get("LIPSYNC_CACHE")
    if chosen:
        return Path(chosen)
    if os.environ.get("LIPSYNC_HOME"):
        return home() / "cache"
    return Path(platformdirs.user_cache_path("lipsync", appauthor=False))


def weights() -> Path:
    """Folder that holds one folder of weights for each plugin."""
    return home() / "weights"
