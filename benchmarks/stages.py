"""CPU time a frame of each stage by itself, on one thread: where a change must be felt.

Each stage is run over the first frames of the clip and its thread's CPU time is taken, so the figures do
not depend on what else runs (caches excepted). Decoding and encoding use threads of their own: there it
is the whole process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks.clip import clip
from benchmarks.table import Setting, Table

FRAMES = 100


def run(setting: Setting) -> Table:
    """Measure in a process of its own."""
    target = setting.clip or clip(20)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.stages", str(target)],
        capture_output=True,
        text=True,
        check=True,
    )
    table = Table(f"stages: CPU a frame over {FRAMES} frames of {target.name}")
    for name, seconds in json.loads(done.stdout).items():
        table.add(name, 1000 * seconds, "ms")
    return table


def _stages(path: Path) -> dict[str, float]:
    import numpy as np

    from lipsync_core.builtin.mediapipe.detector import MediaPipeDetector
    from lipsync_core.contracts import OpenContext
    from lipsync_core.faces.crops import bounding
    from lipsync_core.faces.shots import ShotDetector
    from lipsync_core.media.encoders import check_encoder, settings_for
    from lipsync_core.media.reader import VideoReader
    from lipsync_core.media.writer import SegmentWriter
    from lipsync_core.running.threads import one_thread

    spent: dict[str, float] = {}

    def timed(name: str, work: Callable[[], object], clock: Callable[[], float]) -> None:
        begin = clock()
        work()
        spent[name] = (clock() - begin) / FRAMES

    def each(name: str, work: Callable[[Any], object], items: Iterable[Any]) -> None:
        """Nothing is kept, as in a run: the next result takes the memory of the last."""
        timed(name, lambda: deque(map(work, items), maxlen=0), time.thread_time)

    with one_thread(), VideoReader(path) as reader:
        pictures = list(reader.frames(0, min(FRAMES, len(reader.target.index))))
        with VideoReader(reader.target) as again:
            timed("decode", lambda: deque(again.frames(0, FRAMES), maxlen=0), time.process_time)
        each("to RGB, for looking", lambda p: p.quick_rgb(), pictures)
        images = [p.quick_rgb() for p in pictures]
        shots = ShotDetector(reader.target.video.frame_rate)
        each("shots", shots.push, images)
        detector = MediaPipeDetector()
        detector.open(OpenContext(device="cpu", options={}))
        found = [faces[0] for faces in detector.detect(np.stack(images[:1]))]
        each("faces", lambda image: detector.detect(image[None]), images)
        box = ((bounding(found[0].landmarks[None])[0] / 2).astype(int) * 2).tolist()
        each("region to RGB", lambda p: p.region(*box), pictures)
        regions = [p.region(*box) for p in pictures]
        each(
            "paste a face",
            lambda k: pictures[k].repainted(*box[:2], regions[k], 255 - regions[k]),
            range(FRAMES),
        )
        out = Path(sys.argv[2]) if len(sys.argv) > 2 else path.with_suffix(".bench.nut")
        settings = settings_for(Path("out.mp4"))
        video = check_encoder(settings, reader.target.video)
        step = 1 / Fraction(reader.target.video.frame_rate)

        def encode() -> None:
            with SegmentWriter(out, video, settings) as writer:
                for k, picture in enumerate(pictures):
                    writer.write(picture, k * step, step)

        timed("encode", encode, time.process_time)
        out.unlink()
    return spent


if __name__ == "__main__":
    print(json.dumps(_stages(Path(sys.argv[1]))))
