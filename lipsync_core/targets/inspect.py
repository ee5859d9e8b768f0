"""Finds the faces of a target without making anything: what `lipsync faces` shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lipsync_core.faces.analysis import Analysis
from lipsync_core.media.probe import TargetInfo, probe_target
from lipsync_core.registry import Registry
from lipsync_core.registry.resolving import check_options, resolve_detector
from lipsync_core.requests import PluginSettings
from lipsync_core.running.progress import Progress
from lipsync_core.running.stopwatch import Stopwatch
from lipsync_core.targets.analysis import find_faces
from lipsync_core.targets.digests import target_hash


def inspect(
    path: Path,
    settings: PluginSettings | None = None,
    progress: Progress | None = None,
    registry: Registry | None = None,
    video_track: str | None = None,
) -> tuple[TargetInfo, Analysis]:
    """Probe and analyse a target; from the cache where it is known.

    Args:
        path: video, picture, animation or folder of pictures.
        settings: which detector, and how.
        progress: listener.
        registry: plugins; default: the installed ones.
        video_track: which of the file's video streams, as in `TargetRequest`.

    Raises:
        UnsupportedInput: the file is of no use.
        UsageError: it has no such track.
        PluginUnavailable: the detector cannot run here.
    """
    settings, registry = settings or PluginSettings(), registry or Registry.load()
    check_options(registry, settings)
    detector = resolve_detector(registry, settings)
    info = probe_target(path, track=video_track)
    analysis, _ = find_faces(info, target_hash(info), detector, progress or Progress(), Stopwatch())
    return info, analysis


def describe(analysis: Analysis) -> dict[str, Any]:
    """Shots and tracks in plain data."""
    tracks = []
    for track in np.unique(analysis.rows["track"]).tolist():
        rows = analysis.rows[analysis.rows["track"] == track]
        first, last = int(rows["frame"].min()), int(rows["frame"].max())
        shot = next(n for n, (a, b) in enumerate(analysis.shots) if a <= first < b)
        tracks.append(
            {
                "id": track,
                "first": first,
                "last": last,
                "frames": len(rows),
                "shot": shot,
                "width": round(float(np.median(rows["width"]))),
                "yaw": round(float(np.abs(rows["yaw"]).max())),
                "score": round(float(rows["score"].mean()), 3),
            }
        )
    shots = [{"first": a, "last": b - 1} for a, b in analysis.shots]
    return {"frames": analysis.frames, "scheme": analysis.scheme, "shots": shots, "tracks": tracks}
