"""Plugins that this project publishes, so that a name which is not installed can be told from a typo."""

from __future__ import annotations

CATALOGUE: dict[str, str] = {
    "codeformer": "lipsync-restoration",
    "face-alignment": "lipsync-face-alignment",
    "gfpgan": "lipsync-restoration",
    "gpen": "lipsync-restoration",
    "latentsync": "lipsync-latentsync",
    "musetalk": "lipsync-musetalk",
    "musetalk10": "lipsync-musetalk",
    "parsing": "lipsync-musetalk",
    "restoreformer": "lipsync-restoration",
    "syncnet": "lipsync-syncnet",
    "synctalk2d": "lipsync-synctalk2d",
    "wav2lip": "lipsync-wav2lip",
    "whisper": "lipsync-musetalk",
    "whisper-latentsync": "lipsync-musetalk",
}
"""Name of what a plugin offers -> distribution to install."""
