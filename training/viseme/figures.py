"""The figures file: what the shipped network is, what it was made from, and how well it does."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np

from lipsync_core.builtin.viseme import encoder, network
from training.viseme import recipe
from training.viseme.dataset import load
from training.viseme.evaluate import evaluate, synthetic_accuracy
from training.viseme.export import sha256
from training.viseme.net import VisemeNet
from training.viseme.phonemes import LABELS_PER_SECOND
from training.viseme.realspeech import allison, librivox

PATH = Path(__file__).with_name("figures.json")
_PACKAGES = ("torch", "onnxruntime", "numpy", "espeakng-loader", "hibari-tts", "pocketsphinx")


def _data(folder: Path) -> dict[str, object]:
    result: dict[str, object] = {}
    for name in recipe.SHARES:
        paths = [
            folder / f"train_{p.source}_{p.seed}.npz" for p in recipe.TRAINING if p.source == name
        ]
        sessions = [session for path in paths for session in load(path)]
        result[name] = {
            "seconds": round(sum(len(s.labels) for s in sessions) / LABELS_PER_SECOND),
            "sessions": len(sessions),
            "seeds": [p.seed for p in recipe.TRAINING if p.source == name],
            "cpu_seconds": round(sum(float(np.load(path)["cpu_seconds"]) for path in paths)),
        }
    return result


def write(folder: Path) -> None:
    """Evaluate the SHIPPED file and write PATH; `folder` holds the data and what `train` noted."""
    parameters = sum(p.numel() for p in VisemeNet().parameters())
    held_out = {
        p.source: round(synthetic_accuracy(load(folder / f"heldout_{p.source}_{p.seed}.npz")), 4)
        for p in recipe.HELD_OUT
    }
    figures = {
        "model": {
            "sha256": sha256(network.MODEL),
            "bytes": network.MODEL.stat().st_size,
            "parameters": parameters,
            "lookahead_seconds": encoder.LOOKAHEAD,
        },
        "data": _data(folder),
        "training": [
            json.loads((folder / f"stage{number}.json").read_text(encoding="utf-8"))
            for number in range(1, len(recipe.STAGES) + 1)
        ],
        "held_out_synthetic_step_accuracy": held_out,
        "validation": {"clips": "allison", **evaluate(allison()).record()},
        "test": {"clips": "librivox", **evaluate(librivox()).record()},
        "machine": f"{platform.machine()}, one thread, Python {platform.python_version()}",
        "versions": {name: version(name) for name in _PACKAGES},
    }
    PATH.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
