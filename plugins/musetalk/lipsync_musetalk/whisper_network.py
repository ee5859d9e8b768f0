"""Whisper tiny's encoder in PyTorch, and its weights from either of the two published layouts.

Written out (it is small) because LatentSync wants a layer that the field's library does not give, and because
loading that library takes seconds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from lipsync_core.networks.loading import loaded
from lipsync_core.weights import state_dict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

WIDTH, HEADS, BLOCKS, POSITIONS, BANDS = 384, 6, 4, 1500, 80
LAYERS = BLOCKS + 1
"""Layers that are given: the input of the blocks, and what each block makes of it."""
_OPENAI = (
    ("positional_embedding", "embed_positions.weight"),
    ("ln_post.", "layer_norm."),
    ("blocks.", "layers."),
    (".attn_ln.", ".self_attn_layer_norm."),
    (".attn.query.", ".self_attn.q_proj."),
    (".attn.key.", ".self_attn.k_proj."),
    (".attn.value.", ".self_attn.v_proj."),
    (".attn.out.", ".self_attn.out_proj."),
    (".mlp_ln.", ".final_layer_norm."),
    (".mlp.0.", ".fc1."),
    (".mlp.2.", ".fc2."),
)
"""Parts of OpenAI's names and the same in the names of the hub's files."""


class _Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.k_proj = nn.Linear(WIDTH, WIDTH, bias=False)
        self.v_proj = nn.Linear(WIDTH, WIDTH)
        self.q_proj = nn.Linear(WIDTH, WIDTH)
        self.out_proj = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        def heads(y: torch.Tensor) -> torch.Tensor:
            return y.view(*y.shape[:2], HEADS, WIDTH // HEADS).transpose(1, 2)

        seen = functional.scaled_dot_product_attention(
            heads(self.q_proj(x)), heads(self.k_proj(x)), heads(self.v_proj(x))
        )
        made: torch.Tensor = self.out_proj(seen.transpose(1, 2).flatten(2))
        return made


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.self_attn_layer_norm = nn.LayerNorm(WIDTH)
        self.self_attn = _Attention()
        self.final_layer_norm = nn.LayerNorm(WIDTH)
        self.fc1 = nn.Linear(WIDTH, 4 * WIDTH)
        self.fc2 = nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.self_attn(self.self_attn_layer_norm(x))
        made: torch.Tensor = x + self.fc2(functional.gelu(self.fc1(self.final_layer_norm(x))))
        return made


class WhisperNetwork(nn.Module):
    """The encoder; names of its tensors as in the hub's files, below `encoder.`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(BANDS, WIDTH, 3, padding=1)
        self.conv2 = nn.Conv1d(WIDTH, WIDTH, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(POSITIONS, WIDTH)
        self.layers = nn.ModuleList(_Block() for _ in range(BLOCKS))
        self.layer_norm = nn.LayerNorm(WIDTH)

    def forward(self, mel: torch.Tensor, normed: bool) -> torch.Tensor:
        """All layers.

        Args:
            mel: `(N, 80, 3000)`.
            normed: the last layer after the final norm (MuseTalk) or before it (LatentSync).

        Returns:
            `(N, 1500, 5, 384)`: the input of the blocks, then what each block makes of it.
        """
        x = functional.gelu(self.conv2(functional.gelu(self.conv1(mel))))
        x = x.transpose(1, 2) + self.embed_positions.weight
        found = [x]
        for block in self.layers:
            found.append(block(found[-1]))
        if normed:
            found[-1] = self.layer_norm(found[-1])
        return torch.stack(found, dim=2)


def load(path: Path) -> WhisperNetwork:
    """The encoder of a checkpoint, on the CPU in fp32, ready to be used; its decoder is left in the file.

    Raises:
        PluginUnavailable: the file is damaged or holds another network.
    """
    return loaded(WhisperNetwork, path, encoder_tensors(state_dict.read(path)))


def encoder_tensors(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The encoder's tensors under the names of `WhisperNetwork`, from names of the hub or of OpenAI."""
    found = {}
    for name, tensor in tensors.items():
        inside = re.fullmatch(r"(?:model\.)?encoder\.(.+)", name)
        if inside is None:
            continue
        own = inside[1]
        for theirs, ours in _OPENAI:
            own = own.replace(theirs, ours)
        found[own] = tensor
    return found
