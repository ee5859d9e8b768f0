"""Plugins that this project publishes, so that a name which is not installed can be told from a typo."""

from __future__ import annotations

CATALOGUE: dict[str, str] = {
    "codeformer": "lipsync-restoration",
    "face-alignment": "lipsync-face-alignment",
    "gfpgan": "lipsync-restoration",
    "gpen": "lipsync-restoration",
    "hybrid": "lipsync-latentsync",
    "latentsync": "lipsync-latentsync",
    "latentsync15": "lipsync-latentsync",
    "musetalk": "lipsync-musetalk",
    "musetalk10": "lipsync-musetalk",
    "parsing": "lipsync-musetalk",
    "quadrilateral": "lipsync-latentsync",
    "restoreformer": "lipsync-restoration",
    "stable-syncnet": "lipsync-latentsync",
    "syncnet": "lipsync-syncnet",
    "synctalk2d": "lipsync-synctalk2d",
    "wav2lip": "lipsync-wav2lip",
    "whisper": "lipsync-musetalk",
    "whisper-both": "lipsync-latentsync",
    "whisper-latentsync": "lipsync-musetalk",
}
"""Name of what a plugin offers -> distribution to install."""
