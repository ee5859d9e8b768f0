"""What LatentSync adds to Stable Diffusion's UNet: attention along time, norms over all frames of a chunk.

Pictures of a chunk are folded: `(B * F, C, H, W)`, the F frames of each of B together. Temporal attention as
in AnimateDiff (Guo et al. 2023), whose names the state dict has.
"""

from __future__ import annotations

import torch

# From the modules themselves: the package's face would look for transformers and more.
from diffusers.models.attention import FeedForward  # type: ignore[import-not-found,unused-ignore]
from diffusers.models.attention_processor import Attention  # type: ignore[import-not-found,unused-ignore]
from torch import Tensor, nn
from torch.nn.functional import silu

GROUPS = 32
HEADS = 8
MOST_FRAMES = 24
"""Rows of the table of positions."""
_PER_FRAME_EPS = 1e-6


class ChunkNorm(nn.GroupNorm):
    """Group norm whose mean and variance are those of all frames of a chunk, not of each one."""

    def __init__(self, channels: int) -> None:
        super().__init__(GROUPS, channels, eps=1e-5)

    def forward(self, folded: Tensor, frames: int = 1) -> Tensor:
        """`(B * F, C, H, W)` normed over F `frames`."""
        together = folded.reshape(-1, frames, *folded.shape[1:]).transpose(1, 2)
        return super().forward(together).transpose(1, 2).flatten(0, 1)


class Resnet(nn.Module):
    """Two convolutions of each frame, told the step in between."""

    def __init__(self, channels: int, made: int, step_channels: int) -> None:
        super().__init__()
        self.norm1 = ChunkNorm(channels)
        self.conv1 = nn.Conv2d(channels, made, 3, padding=1)
        self.time_emb_proj = nn.Linear(step_channels, made)
        self.norm2 = ChunkNorm(made)
        self.conv2 = nn.Conv2d(made, made, 3, padding=1)
        if channels != made:
            self.conv_shortcut = nn.Conv2d(channels, made, 1)
        self._widens = channels != made

    def forward(self, x: Tensor, step: Tensor, frames: int) -> Tensor:
        """`(B * F, C, H, W)` and the step's `(1, D)` -> `(B * F, C', H, W)`."""
        inner: Tensor = self.conv1(silu(self.norm1(x, frames)))
        inner = inner + self.time_emb_proj(silu(step))[:, :, None, None]
        inner = self.conv2(silu(self.norm2(inner, frames)))
        past: Tensor = self.conv_shortcut(x) if self._widens else x
        return past + inner


class Positions(nn.Module):
    """Adds the table of positions, which is part of the state dict."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pe: Tensor
        self.register_buffer("pe", torch.zeros(1, MOST_FRAMES, channels))

    def forward(self, x: Tensor) -> Tensor:
        """`(N, F, C)`, F of at most 24."""
        return x + self.pe[:, : x.shape[1]]


class FrameAttention(Attention):  # type: ignore[misc,unused-ignore] # diffusers tells no types
    """Self-attention over frames, with positions."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, heads=HEADS, dim_head=channels // HEADS)
        self.pos_encoder = Positions(channels)

    def forward(self, hidden_states: Tensor, *_: object, **__: object) -> Tensor:
        """`(N, F, C)` -> the same shape."""
        attended: Tensor = super().forward(self.pos_encoder(hidden_states))
        return attended


class TemporalBlock(nn.Module):
    """Twice attention along time, then a feed-forward layer, each added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attention_blocks = nn.ModuleList(FrameAttention(channels) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(2))
        self.ff = FeedForward(channels)
        self.ff_norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, F, C)` -> the same shape."""
        for attention, norm in zip(self.attention_blocks, self.norms, strict=True):
            x = x + attention(norm(x))
        fed: Tensor = self.ff(self.ff_norm(x))
        return x + fed


class TemporalTransformer(nn.Module):
    """One block over each place of the picture."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, channels, eps=_PER_FRAME_EPS)
        self.proj_in = nn.Linear(channels, channels)
        self.transformer_blocks = nn.ModuleList([TemporalBlock(channels)])
        self.proj_out = nn.Linear(channels, channels)

    def forward(self, x: Tensor, frames: int) -> Tensor:
        """`(B * F, C, H, W)` -> the same shape."""
        height, width = x.shape[2:]
        places = self.norm(x).reshape(-1, frames, x.shape[1], height * width)
        tokens = self.proj_in(places.permute(0, 3, 1, 2).flatten(0, 1))  # (B * HW, F, C)
        for block in self.transformer_blocks:
            tokens = block(tokens)
        made: Tensor = self.proj_out(tokens)
        frame_first = made.reshape(-1, height * width, *made.shape[1:]).permute(0, 2, 3, 1)
        return x + frame_first.reshape(x.shape)


class MotionModule(nn.Module):
    """The transformer under the name that the state dict has."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.temporal_transformer = TemporalTransformer(channels)

    def forward(self, x: Tensor, frames: int) -> Tensor:
        """`(B * F, C, H, W)` -> the same shape."""
        made: Tensor = self.temporal_transformer(x, frames)
        return made
