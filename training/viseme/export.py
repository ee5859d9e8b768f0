"""Trained weights to the ONNX file that ships."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch

from lipsync_core.builtin.viseme.melspec import BANDS
from lipsync_core.builtin.viseme.network import INPUT, RECEPTIVE_FRAMES
from training.viseme.net import VisemeNet

OPSET = 17


def export(net: VisemeNet, path: Path) -> str:
    """Write `net` with a free number of frames; returns the file's sha256."""
    example = torch.zeros(1, RECEPTIVE_FRAMES, BANDS)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        net.eval(),
        (example,),
        str(path),
        input_names=[INPUT],
        output_names=["logits"],
        dynamic_axes={INPUT: {1: "frames"}, "logits": {1: "steps"}},
        opset_version=OPSET,
        dynamo=False,
    )
    return sha256(path)


def sha256(path: Path) -> str:
    """Hexadecimal digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
