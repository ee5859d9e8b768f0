"""SyncTalk_2D's networks alone, as a process: `DEVICE OUT`. Both ways take turns and meet the same noise.

One way is as published: fp32, one operation after another, all frames at a time. The other is what `lipsync
run` does: BatchNorm folded, channels last, short numbers where the device is good at them. Numbers of the
tests' golden files stand in for trained ones. Frames a second and how far the pictures are apart go to OUT.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from lipsync_synctalk2d.layouts import layout_for
from lipsync_synctalk2d.network import FaceNetwork
from lipsync_synctalk2d.torch_runtime import TorchRuntime
from numpy.typing import NDArray

from lipsync_core.contracts import OpenContext
from lipsync_core.machine.hardware import detect
from lipsync_core.networks.batches import in_batches
from lipsync_core.networks.precision import precision_for
from lipsync_core.testing import Parity, recipe

DATA = Path(__file__).parents[1] / "plugins" / "synctalk2d" / "tests" / "data"
BATCHES = (1, 8, 24)
ROUNDS = 2
SIZES = {320: 328, 160: 160}


def main(device: str, out: Path) -> None:
    """Measure both sizes."""
    threads = detect().cores
    torch.set_num_threads(threads)
    told: dict[str, float] = {}
    precision = precision_for(OpenContext(device=device))
    for side, size in SIZES.items():
        network, file = _network(side, size)
        plain = network.to(device)
        ours = TorchRuntime(file, device, precision, threads)
        for batch in BATCHES:
            pictures = recipe.uniform("bench", (batch, 6, side, side))
            sound = recipe.normal("bench_sound", (batch, 32, 16, 16))
            ways: dict[str, Callable[[], NDArray[np.float32]]] = {
                "fp32 as published": lambda p=pictures, s=sound, n=plain: _plain(n, p, s, device),
                precision: lambda p=pictures, s=sound, r=ours: in_batches(r.run, r.batch, p, s),
            }
            made = {way: work() for way, work in ways.items()}  # not counted
            seconds = dict.fromkeys(ways, float("inf"))
            for _ in range(ROUNDS):
                for way, work in ways.items():
                    begin = time.perf_counter()
                    work()
                    seconds[way] = min(seconds[way], time.perf_counter() - begin)
            for way, took in seconds.items():
                told[f"{size}, {batch} at a time, {way}"] = batch / took
        apart = 255 * np.abs(made[precision] - made["fp32 as published"])
        told[f"{size}, levels apart, most"] = float(apart.max())
        told[f"{size}, levels apart, mean"] = float(apart.mean())
        ours.close()
        file.unlink()
    out.write_text(json.dumps({"precision": precision, "figures": told}), "utf-8")


def _network(side: int, size: int) -> tuple[FaceNetwork, Path]:
    """The network in evaluation mode, and a file with the same numbers."""
    network = FaceNetwork(layout_for(side, "ave")).eval()  # type: ignore[arg-type] # of SIZES
    meta = Parity(DATA).meta(f"synctalk2d_unet_{size}_ave")
    numbers = recipe.weights(network.state_dict(), meta)
    tensors = {name: torch.from_numpy(value) for name, value in numbers.items()}
    network.load_state_dict(tensors)
    file = Path(tempfile.mkdtemp()) / "person.pth"
    torch.save(tensors, file)
    return network, file


def _plain(
    network: FaceNetwork, pictures: NDArray[np.float32], sound: NDArray[np.float32], device: str
) -> NDArray[np.float32]:
    with torch.no_grad():
        made = network(torch.from_numpy(pictures).to(device), torch.from_numpy(sound).to(device))
    array: NDArray[np.float32] = made.cpu().numpy()
    return array


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
