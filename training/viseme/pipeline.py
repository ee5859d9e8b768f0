"""The steps of the pipeline; each keeps what is already in the working folder."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from training.viseme import recipe
from training.viseme.recipe import Part


def _make(folder: Path, part: Part, held_out: bool) -> None:
    from training.viseme.dataset import make

    path = folder / f"{'heldout' if held_out else 'train'}_{part.source}_{part.seed}.npz"
    if not path.exists():
        make(part.source, part.seconds, part.seed, held_out, path)
        print(path.name, flush=True)


def data(folder: Path, jobs: int) -> None:
    """Speak, distort and label everything in the recipe."""
    parts = [(part, False) for part in recipe.TRAINING] + [(part, True) for part in recipe.HELD_OUT]
    # One task a process: libespeak-ng keeps global state.
    with ProcessPoolExecutor(jobs, max_tasks_per_child=1) as pool:
        running = [pool.submit(_make, folder, part, held_out) for part, held_out in parts]
        for task in running:
            task.result()


def train(folder: Path) -> None:
    """Train stage after stage, and put the network where the runtime finds it.

    A stage whose checkpoint exists is not run again.
    """
    import torch

    from lipsync_core.builtin.viseme.network import MODEL
    from training.viseme.dataset import load
    from training.viseme.examples import begin_anywhere, prepare
    from training.viseme.export import export
    from training.viseme.net import VisemeNet
    from training.viseme.train import train as run

    net: VisemeNet | None = None
    for number, stage in enumerate(recipe.STAGES, 1):
        finished, notes = folder / f"stage{number}.pt", folder / f"stage{number}.json"
        if finished.exists():
            net = VisemeNet().eval()
            net.load_state_dict(torch.load(finished))
            continue
        seed = recipe.SEED + number - 1
        pools = {}
        for name in recipe.SHARES:
            paths = [
                folder / f"train_{p.source}_{p.seed}.npz" for p in stage.parts if p.source == name
            ]
            sessions = [session for path in paths for session in load(path)]
            if stage.cold.begin_anywhere:
                sessions = begin_anywhere(sessions, recipe.SEED + number - 2)
            pools[name] = prepare(sessions, stage.cold, seed)
        net, seconds = run(pools, recipe.SHARES, stage, seed, folder / "checkpoint.pt", net)
        record = {"iterations": stage.iterations, "rate": stage.rate, "seed": seed}
        notes.write_text(json.dumps({**record, "cpu_seconds": round(seconds)}), encoding="utf-8")
        torch.save(net.state_dict(), finished)
    if net is not None:
        export(net, MODEL)


def evaluate(folder: Path) -> None:
    """Score the shipped network and write figures.json."""
    from training.viseme import figures

    figures.write(folder)
    print(figures.PATH.read_text(encoding="utf-8"))
