"""A video as a run sees it: its frames, faces, crops and sound. For plugins that train on footage."""

from __future__ import annotations

from lipsync_core.evaluation.feed import SoundCursor
from lipsync_core.media.probe import probe_sound, probe_target
from lipsync_core.media.schedule import make_schedule
from lipsync_core.media.sound import read_mono
from lipsync_core.targets.analysis import AnalysedTarget, analyse_target
from lipsync_core.targets.digests import content_hash
from lipsync_core.targets.placement import canvas_for, place_on
from lipsync_core.targets.target import TargetFrame

__all__ = [
    "AnalysedTarget",
    "SoundCursor",
    "TargetFrame",
    "analyse_target",
    "canvas_for",
    "content_hash",
    "make_schedule",
    "place_on",
    "probe_sound",
    "probe_target",
    "read_mono",
]
