"""A live session: how soon the first frame comes, and whether 25 frames a second are held.

Sound is pushed as a microphone would, 20 ms at a time. The session and its listener are one process, so
that what is measured is what a program that embeds the session sees.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import wave
from pathlib import Path

from benchmarks.clip import RATE, clip, voice
from benchmarks.table import Setting, Table

SECONDS = 20
BLOCK = 320
TICK = 0.02


def run(setting: Setting) -> Table:
    """Measure in a process of its own, on the bundled portrait and on the clip."""
    table = Table(f"live session: {SECONDS} s of voice, as it comes")
    for what, face in (("photo", "portrait"), ("720p video", str(setting.clip or clip(20)))):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.live", face, str(voice(SECONDS))],
            capture_output=True,
            text=True,
            check=True,
        )
        told = json.loads(done.stdout)
        table.add(f"{what}: first frame", 1000 * told["first"], "ms", "under 250")
        table.add(f"{what}: frames a second", told["rate"], "1/s", f"{RATE} held")
        table.add(f"{what}: frames late by over one", told["late"], "")
        table.add(f"{what}: CPU a frame", 1000 * told["cpu"], "ms")
    return table


def _session(face: Path, sound: Path) -> dict[str, float]:
    import numpy as np

    from lipsync_core import Session

    with wave.open(str(sound)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32)
    samples /= 32768
    with Session(face) as session:
        frames = session.frames()
        for _ in range(10):  # it idles first
            next(frames)
        began = threading.Event()

        def speak() -> None:
            start = time.perf_counter()
            for k in range(0, len(samples), BLOCK):
                wait = start + k / 16000 - time.perf_counter()
                if wait > 0:
                    time.sleep(wait)
                session.push_audio(samples[k : k + BLOCK])
                began.set()
            session.flush()

        mouth = threading.Thread(target=speak)
        mouth.start()
        began.wait()
        begin, cpu = time.perf_counter(), time.process_time()
        shown: list[float] = []
        while len(shown) < SECONDS * RATE and time.perf_counter() - begin < 3 * SECONDS:
            if next(frames).speaking:
                shown.append(time.perf_counter() - begin)
        spent = time.process_time() - cpu
        mouth.join()
    late = sum(t - shown[0] > (k + 1) / RATE for k, t in enumerate(shown))
    return {
        "first": shown[0],
        "rate": (len(shown) - 1) / (shown[-1] - shown[0]),
        "late": late,
        "cpu": spent / len(shown),
    }


if __name__ == "__main__":
    import lipsync_core

    bundled = Path(lipsync_core.__file__).parent / "samples" / "portrait.png"
    given = bundled if sys.argv[1] == "portrait" else Path(sys.argv[1])
    print(json.dumps(_session(given, Path(sys.argv[2]))))
