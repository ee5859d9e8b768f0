"""Wav2Lip in lipsync against the way of its own script, with the same random weights on the same clip.

Needs lipsync-wav2lip and torch. The script's way is given its boxes, so it detects nothing; lipsync finds the
faces in the first run and has them cached in the second. Ratios of CPU time stand on a busy machine as well,
those of wall time do not: two OpenMP threads beside other work take several times as long.
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

SECONDS = 20
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
    table = Table(f"Wav2Lip: {length:g} s of {target.name}")
    for what, speed in alone.items():
        table.add(f"network alone, {what} at a time", speed, "frames/s")
    first, *_, last = alone.values()
    table.add("network alone, lipsync over published", last / first, "x")
    table.add("speed, lipsync with detection", length / cold.wall, "x real time")
    table.add("speed, lipsync with cached faces", length / warm.wall, "x real time")
    table.add("speed, the script, boxes given", length / theirs.wall, "x real time")
    table.add("wall, the script over lipsync with detection", theirs.wall / cold.wall, "x")
    table.add("wall, the script over lipsync with cached faces", theirs.wall / warm.wall, "x")
    table.add("CPU, the script over lipsync with cached faces", theirs.cpu / warm.cpu, "x")
    table.add("peak memory, lipsync", max(cold.peak_mb, warm.peak_mb), "MB")
    table.add("peak memory, the script", theirs.peak_mb, "MB")
    return table
