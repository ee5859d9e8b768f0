"""LatentSync's UNet: Stable Diffusion's for each frame, cross-attention to sound, motion modules in between.

The state dict is that of `latentsync_unet.pt` (1.5 and 1.6: 1,246 tensors, 1.27 billion numbers).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from diffusers.models.downsampling import Downsample2D  # type: ignore[import-not-found,unused-ignore]
from diffusers.models.embeddings import TimestepEmbedding, Timesteps  # type: ignore[import-not-found,unused-ignore]
from diffusers.models.transformers.transformer_2d import Transformer2DModel  # type: ignore[import-not-found,unused-ignore]
from diffusers.models.upsampling import Upsample2D  # type: ignore[import-not-found,unused-ignore]
from torch import Tensor, nn
from torch.nn.functional import silu

from lipsync_latentsync.motion import GROUPS, HEADS, ChunkNorm, MotionModule, Resnet

IN_CHANNELS = 13
"""Noisy latents 4, mask 1, latents of the masked face 4, of the whole face 4."""
OUT_CHANNELS = 4
LAYERS = 2
"""Resnets in each block on the way down; one more on the way up."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How wide a UNet is.

    Attributes:
        widths: channels of the four blocks, multiples of 32.
        audio: numbers in a row of audio features.
    """

    widths: tuple[int, int, int, int] = (320, 640, 1280, 1280)
    audio: int = 384


class Block(nn.Module):
    """Resnets, each followed by attention to the sound (if any) and along time."""

    def __init__(self, inputs: list[int], width: int, shape: Shape, hears: bool) -> None:
        super().__init__()
        step = 4 * shape.widths[0]
        self.resnets = nn.ModuleList(Resnet(channels, width, step) for channels in inputs)
        self.motion_modules = nn.ModuleList(MotionModule(width) for _ in inputs)
        if hears:
            self.attentions = nn.ModuleList(_attention(width, shape) for _ in inputs)
        self._hears = hears

    def layer(self, n: int, x: Tensor, step: Tensor, audio: Tensor, frames: int) -> Tensor:
        """The n-th resnet and what follows it."""
        made: Tensor = self.resnets[n](x, step, frames)
        if self._hears:
            made = self.attentions[n](made, encoder_hidden_states=audio, return_dict=False)[0]
        moved: Tensor = self.motion_modules[n](made, frames)
        return moved


class DownBlock(Block):
    """On the way down; the last one keeps the size."""

    def __init__(self, channels: int, width: int, shape: Shape, hears: bool) -> None:
        super().__init__([channels, *[width] * (LAYERS - 1)], width, shape, hears)
        if hears:
            smaller = Downsample2D(width, use_conv=True, name="op")
            self.downsamplers = nn.ModuleList([smaller])

    def forward(
        self, x: Tensor, step: Tensor, audio: Tensor, frames: int
    ) -> tuple[Tensor, list[Tensor]]:
        """The output for the next level, and the skip connections."""
        across = []
        for n in range(LAYERS):
            x = self.layer(n, x, step, audio, frames)
            across.append(x)
        if self._hears:
            x = self.downsamplers[0](x)
            across.append(x)
        return x, across


class MidBlock(nn.Module):
    """At the bottom, without motion modules."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, step = shape.widths[-1], 4 * shape.widths[0]
        self.resnets = nn.ModuleList(Resnet(width, width, step) for _ in range(2))
        self.attentions = nn.ModuleList([_attention(width, shape)])

    def forward(self, x: Tensor, step: Tensor, audio: Tensor, frames: int) -> Tensor:
        """`(B * F, C, H, W)` -> the same shape."""
        x = self.resnets[0](x, step, frames)
        x = self.attentions[0](x, encoder_hidden_states=audio, return_dict=False)[0]
        made: Tensor = self.resnets[1](x, step, frames)
        return made


class UpBlock(Block):
    """On the way up, with what went across; the last one keeps the size."""

    def __init__(
        self, inputs: list[int], width: int, shape: Shape, hears: bool, larger: bool
    ) -> None:
        super().__init__(inputs, width, shape, hears)
        if larger:
            self.upsamplers = nn.ModuleList([Upsample2D(width, use_conv=True)])
        self._larger = larger

    def forward(
        self, x: Tensor, across: list[Tensor], step: Tensor, audio: Tensor, frames: int
    ) -> Tensor:
        """Takes the last of `across` for each of its layers."""
        for n in range(len(self.resnets)):
            x = self.layer(n, torch.cat([x, across.pop()], 1), step, audio, frames)
        if self._larger:
            x = self.upsamplers[0](x)
        return x


class LatentSyncUNet(nn.Module):
    """See the module."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        widths = shape.widths
        first, last = widths[0], len(widths) - 1
        self.time_proj = Timesteps(first, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.time_embedding = TimestepEmbedding(first, 4 * first)
        self.conv_in = nn.Conv2d(IN_CHANNELS, first, 3, padding=1)
        self.down_blocks = nn.ModuleList(
            DownBlock(widths[max(0, n - 1)], width, shape, hears=n < last)
            for n, width in enumerate(widths)
        )
        self.mid_block = MidBlock(shape)
        self.up_blocks = nn.ModuleList(
            UpBlock(_up_inputs(widths, n), widths[last - n], shape, hears=n > 0, larger=n < last)
            for n in range(len(widths))
        )
        self.conv_norm_out = ChunkNorm(first)
        self.conv_out = nn.Conv2d(first, OUT_CHANNELS, 3, padding=1)

    def forward(self, latents: Tensor, timestep: int, audio: Tensor) -> Tensor:
        """The noise in `latents`.

        Args:
            latents: `(B, 13, F, H, W)`, see `IN_CHANNELS`; H and W multiples of 8, F of at most 24.
            timestep: 0 to 999.
            audio: `(B * F, 50, audio)`, frames of each of B together.

        Returns:
            `(B, 4, F, H, W)`.
        """
        return self.quick(latents, timestep, audio, None)[0]

    def quick(
        self, latents: Tensor, timestep: int, audio: Tensor, deep: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The noise, with what the deep layers made of an earlier step, which changes slowly.

        As in DeepCache (Ma et al. 2023): only the first convolution and the very last layer run anew.

        Args:
            latents: see `forward`.
            timestep: see `forward`.
            audio: see `forward`.
            deep: what this method gave last for an earlier step of the same chunk; None: all layers run.

        Returns:
            The noise, and what `deep` may be for the next steps.
        """
        frames = latents.shape[2]
        step = self._step(timestep, latents)
        x = self.conv_in(latents.transpose(1, 2).flatten(0, 1))
        if deep is None:
            deep = self._deep(x, step, audio, frames)
        top: UpBlock = self.up_blocks[-1]  # type: ignore[assignment] # ModuleList forgets
        made = top.layer(LAYERS, torch.cat([deep, x], 1), step, audio, frames)
        noise = self.conv_out(silu(self.conv_norm_out(made, frames)))
        return noise.reshape(-1, frames, *noise.shape[1:]).transpose(1, 2), deep

    def _step(self, timestep: int, latents: Tensor) -> Tensor:
        told = self.time_proj(torch.tensor([timestep], device=latents.device))
        embedded: Tensor = self.time_embedding(told.to(latents.dtype))
        return embedded

    def _deep(self, x: Tensor, step: Tensor, audio: Tensor, frames: int) -> Tensor:
        """All but the last layer of the last block, whose other input is what the first convolution made."""
        across = []
        for block in self.down_blocks:
            x, more = block(x, step, audio, frames)
            across += more
        x = self.mid_block(x, step, audio, frames)
        for block in self.up_blocks[:-1]:
            x = block(x, across, step, audio, frames)
        top: UpBlock = self.up_blocks[-1]  # type: ignore[assignment] # ModuleList forgets
        for n in range(LAYERS):
            x = top.layer(n, torch.cat([x, across.pop()], 1), step, audio, frames)
        return x


def _attention(width: int, shape: Shape) -> nn.Module:
    made: nn.Module = Transformer2DModel(
        HEADS,
        width // HEADS,
        width,
        norm_num_groups=GROUPS,
        cross_attention_dim=shape.audio,
    )
    return made


def _up_inputs(widths: tuple[int, ...], n: int) -> list[int]:
    """Input channels of each layer of the n-th up block, including skip connections."""
    down = list(reversed(widths))
    width, below = down[n], down[max(0, n - 1)]
    from_across = [*[width] * LAYERS, down[min(n + 1, len(down) - 1)]]
    from_below = [below, *[width] * LAYERS]
    return [a + b for a, b in zip(from_below, from_across, strict=True)]
