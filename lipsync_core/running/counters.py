"""Names under which the stopwatch counts frames and tracks that needed no computation, for the report."""

from __future__ import annotations

FRAMES_SILENT = "frames silent"
"""Frames for which the generator was skipped, because nobody speaks."""
FRAMES_MADE, FRAMES_STORED, FRAMES_AGAIN = "frames made", "frames stored", "frames again"
"""Where the prepared rows of frames came from: computed now, an avatar on disk, an earlier frame."""
TRACKS_MADE, TRACKS_STORED = "tracks made", "tracks stored"
"""Where what belongs to whole tracks came from."""
