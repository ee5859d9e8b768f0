"""The viseme network in torch: log-mel in, viseme logits out, no padding anywhere.

All convolutions are "valid": the caller gives the context, so a window of a stream and a whole recording
go through the same arithmetic, and silence before the first sample is real input instead of zeros inside.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from lipsync_core.builtin.viseme.melspec import BANDS
from lipsync_core.builtin.viseme.network import (
    FRAMES_PER_STEP,
    STEP_FRAMES_AFTER,
    STEP_FRAMES_BEFORE,
    STEPS_AFTER,
    STEPS_BEFORE,
)
from lipsync_core.builtin.viseme.targets import VISEMES


class Layer(NamedTuple):
    """Dilation of a 3-tap convolution in steps, and how many of those steps lie in the future."""

    dilation: int
    ahead: int


LAYERS = (Layer(1, 1), Layer(2, 2), Layer(4, 0), Layer(1, 0), Layer(2, 0), Layer(4, 0))
CHANNELS = 128
DROPOUT = 0.1


class Block(nn.Module):
    """Depthwise 3-tap convolution in time, then a two-layer perceptron, added to the input.

    The convolution is three shifted products on (batch, time, channels): on a CPU torch's grouped
    Conv1d was more than ten times slower in training.
    """

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.dilation = layer.dilation
        self.ahead = layer.ahead
        self.taps = nn.Parameter(torch.randn(3, CHANNELS) * 0.3)
        self.norm = nn.LayerNorm(CHANNELS)
        self.widen = nn.Linear(CHANNELS, 2 * CHANNELS)
        self.narrow = nn.Linear(2 * CHANNELS, CHANNELS)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        """(b, t, c) -> (b, t - 2 * dilation, c)."""
        d = self.dilation
        size = x.shape[1] - 2 * d
        h = x[:, :size] * self.taps[0] + x[:, d:-d] * self.taps[1] + x[:, 2 * d :] * self.taps[2]
        start = 2 * d - self.ahead
        residual = x[:, start : start + size]
        changed: Tensor = self.dropout(self.narrow(torch.relu(self.widen(self.norm(h)))))
        return residual + changed


class VisemeNet(nn.Module):
    """(b, context + 2 n, BANDS) normalised log-mel -> (b, n, 15) logits, one step per two frames."""

    def __init__(self) -> None:
        super().__init__()
        if sum(layer.ahead for layer in LAYERS) != STEPS_AFTER:
            raise ValueError("LAYERS look ahead differently from the runtime's STEPS_AFTER")
        if sum(2 * layer.dilation - layer.ahead for layer in LAYERS) != STEPS_BEFORE:
            raise ValueError("LAYERS look back differently from the runtime's STEPS_BEFORE")
        self.window = STEP_FRAMES_BEFORE + STEP_FRAMES_AFTER
        self.first = nn.Linear(self.window * BANDS, CHANNELS)
        self.blocks = nn.ModuleList(Block(layer) for layer in LAYERS)
        self.last = nn.Linear(CHANNELS, len(VISEMES))

    def forward(self, mel: Tensor) -> Tensor:
        """Frames outside the receptive field of a step do not reach it; see `network.py`."""
        rows = mel.shape[1] // FRAMES_PER_STEP
        pairs = mel[:, : rows * FRAMES_PER_STEP].reshape(mel.shape[0], rows, -1)
        count = self.window // FRAMES_PER_STEP
        steps = rows - count + 1
        x = torch.cat([pairs[:, i : i + steps] for i in range(count)], -1)
        x = torch.relu(self.first(x))
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.last(x)
        return logits
