"""Frames of several callers through one generator, as a process: `DEVICE OUT`, sharing calls or not.

Each caller asks for one frame after the other, as live sessions do that are always late: what counts is how
many frames a second all of them get together. Random numbers stand in for trained weights.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.synctalk2d_networks import SIZES, _network
from lipsync_core.conformance import inputs
from lipsync_core.contracts import OpenContext
from lipsync_core.engine.hosts.host import Host
from lipsync_core.engine.hosts.pool import PATIENCE
from lipsync_core.machine.hardware import detect
from lipsync_core.records import Chunk
from lipsync_core.registry import Registry
from lipsync_core.specs import AudioEncoderSpec, GeneratorSpec

CALLERS = (1, 2, 4, 8)
SECONDS = 4.0
ROUNDS = 2


def main(device: str, out: Path) -> None:
    """Measure Wav2Lip and both sizes of SyncTalk_2D."""
    told: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "wav2lip_gan.pth"
        words = ["-m", "benchmarks.wav2lip_original", "weights", str(weights)]
        subprocess.run([sys.executable, *words], check=True)
        told |= _figures("wav2lip", device, OpenContext(weights={weights.name: weights}))
        for side, size in SIZES.items():
            _, person = _network(side, size)
            name = "synctalk2d" if size == 328 else "synctalk2d160"
            told |= _figures(name, device, OpenContext(options={"person": str(person)}))
    out.write_text(json.dumps(told), "utf-8")


def _figures(name: str, device: str, context: OpenContext) -> dict[str, float]:
    registry = Registry.load()
    spec = registry.get(GeneratorSpec, name)
    encoder = registry.get(AudioEncoderSpec, spec.audio_encoder)
    defaults = {option.key: option.default for option in spec.options}
    context = replace(
        context, device=device, threads=detect().cores, options=defaults | dict(context.options)
    )
    row = np.random.default_rng(0).normal(size=(1, *encoder.feature_shape)).astype(np.float32)
    chunk = inputs.chunk(inputs.crops(spec.crop, 1), row)
    told: dict[tuple[int, str], float] = {}
    for _ in range(ROUNDS):
        for way, patience in (("by itself", None), ("together", PATIENCE)):
            host = Host(
                spec, patience=patience
            )  # one at a time: two of them share the caches badly
            host.open(context)
            host.generate(chunk)  # not counted
            for callers in CALLERS:
                speed = _speed(host, chunk, callers)
                told[callers, way] = max(speed, told.get((callers, way), 0.0))
            host.close()
    return {f"{name}, {n} sessions, each frame {way}": v for (n, way), v in sorted(told.items())}


def _speed(host: Host, chunk: Chunk, callers: int) -> float:
    """Frames a second of all callers together."""
    host.callers, made = callers, [0] * callers
    end = time.perf_counter() + SECONDS

    def ask(n: int) -> None:
        while time.perf_counter() < end:
            host.generate(chunk)
            made[n] += 1

    begin = time.perf_counter()
    threads = [threading.Thread(target=ask, args=(n,)) for n in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(made) / (time.perf_counter() - begin)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
