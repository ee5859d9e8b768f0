"""Wav2Lip in lipsync against the way of its own script, with the same random weights on the same clip.

Needs lipsync-wav2lip, torch and face-alignment. Lipsync finds the faces in its first run and has them cached
in the second. The script looks for faces in every frame; here it does so in a few, and that time is scaled
up to all. "Boxes given" is the script without any of it, as with its option `--box`. Nothing else should be
running: two OpenMP threads beside other work take several times as long.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.clip import clip, seconds_of, voice
from benchmarks.measure import cost_of, lipsync
from benchmarks.table import Setting, Table

SECONDS = 60
LOOKED = 32
"""Frames in which the script looks for faces, see `wav2lip_original`."""
ORIGINAL = [sys.executable, "-m", "benchmarks.wav2lip_original"]


def run(setting: Setting) -> Table:
    """Measure."""
    target = setting.clip or clip(SECONDS)
    length = SECONDS if setting.clip is None else seconds_of(target)
    sound = voice(max(1, int(length)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        weights = folder / "home" / "weights" / "wav2lip" / "wav2lip_gan.pth"
        weights.parent.mkdir(parents=True)
        subprocess.run([*ORIGINAL, "weights", str(weights)], check=True)
        done = subprocess.run(
            [*ORIGINAL, "network", str(weights)], check=True, capture_output=True, text=True
        )
        alone: dict[str, float] = json.loads(done.stdout)
        env = {"LIPSYNC_HOME": str(folder / "home"), "LIPSYNC_CACHE": str(folder / "cache")}
        ours = lipsync(
            *("run", str(target), str(sound), "-o", str(folder / "o.mp4"), "--quiet"),
            *("--generator", "wav2lip", "--strict"),
        )
        cold = cost_of(ours, env)
        warm = cost_of(ours, env)
        words = ["job", str(weights), str(target), str(sound), str(folder / "u.mp4")]
        theirs = cost_of([*ORIGINAL, *words])
        told: dict[str, float] = json.loads((folder / "u.mp4.json").read_text())
    looked = min(LOOKED, told["frames"])
    boxes_given = theirs.wall - told["detection"] * looked
    detecting = boxes_given + told["detection"] * told["frames"]
    table = Table(f"Wav2Lip: {length:g} s of {target.name}")
    for what, speed in alone.items():
        table.add(f"network alone, {what} at a time", speed, "frames/s")
    first, *_, last = alone.values()
    table.add("network alone, lipsync over published", last / first, "x", "at least 1.2")
    table.add("script's detection alone", 1 / told["detection"], "frames/s")
    table.add("speed, lipsync with detection", length / cold.wall, "x real time")
    table.add("speed, lipsync with cached faces", length / warm.wall, "x real time")
    table.add("speed, script with detection (scaled)", length / detecting, "x real time")
    table.add("speed, script, boxes given", length / boxes_given, "x real time")
    table.add("wall, script over lipsync, both detecting", detecting / cold.wall, "x", "at least 3")
    table.add("wall, script over lipsync, neither", boxes_given / warm.wall, "x")
    table.add("peak memory, lipsync", max(cold.peak_mb, warm.peak_mb), "MB")
    table.add("peak memory, script", theirs.peak_mb, "MB")
    ratio = theirs.peak_mb / max(cold.peak_mb, warm.peak_mb)
    table.add("memory, script over lipsync", ratio, "x", "at least 5")
    return table
