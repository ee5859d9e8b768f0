"""StableSyncNet: 16 lower half faces and their mel window, each as 2048 numbers of length 1.

The state dict is that of `stable_syncnet.pt`, of LatentSync's configuration `syncnet_16_pixel_attn`: 266
tensors, 401 million numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

# From the modules themselves: the package's face would look for transformers and more.
from diffusers.models.attention import FeedForward  # type: ignore[import-not-found,unused-ignore]
from diffusers.models.attention_processor import Attention  # type: ignore[import-not-found,unused-ignore]
from torch import Tensor, nn
from torch.nn.functional import normalize, pad, relu, silu

from lipsync_core.errors import PluginUnavailable
from lipsync_core.networks.loading import loaded
from lipsync_core.weights import state_dict
from lipsync_latentsync.syncnet_spec import FRAMES

if TYPE_CHECKING:
    from pathlib import Path

Factor = tuple[int, int]
"""By how much rows and columns become fewer."""

GROUPS, EPS, HEADS = 32, 1e-6, 8
AUDIO_WIDTHS = (32, 64, 128, 256, 512, 1024, 2048)
VISUAL_WIDTHS = (64, 128, 256, 256, 512, 1024, 2048, 2048)
"""Channels of each stage."""
_AUDIO: tuple[Factor, ...] = ((2, 1), (2, 2), (2, 2), (1, 1), (2, 2), (2, 2), (2, 3))
_VISUAL: tuple[Factor, ...] = ((1, 2), *[(2, 2)] * 7)
_AUDIO_ATTENDS, _VISUAL_ATTENDS = (3, 4), (4, 5)
"""Stages after which places look at each other."""
_PADDING = {
    (2, 2): (0, 1, 0, 1),
    (2, 1): (1, 1, 0, 1),
    (1, 2): (0, 1, 1, 1),
    (2, 3): (0, 1, 0, 1),
}
"""Of the convolution that makes a stage smaller: left, right, top, bottom."""


class Stage(nn.Module):
    """Two convolutions added to the input, then one that makes it smaller."""

    def __init__(self, channels: int, made: int, factor: Factor) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, channels, eps=EPS)
        self.conv1 = nn.Conv2d(channels, made, 3, padding=1)
        self.norm2 = nn.GroupNorm(GROUPS, made, eps=EPS)
        self.conv2 = nn.Conv2d(made, made, 3, padding=1)
        if channels != made:
            self.conv_shortcut = nn.Conv2d(channels, made, 1)
        if factor != (1, 1):
            self.downsample_conv = nn.Conv2d(made, made, 3, stride=factor)
        self._widens, self._factor = channels != made, factor

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, h, w)` -> `(N, C', h / rows, w / columns)`."""
        inner: Tensor = self.conv1(silu(self.norm1(x)))
        inner = self.conv2(silu(self.norm2(inner)))
        made: Tensor = (self.conv_shortcut(x) if self._widens else x) + inner
        if self._factor != (1, 1):
            made = self.downsample_conv(pad(made, _PADDING[self._factor]))
        return made


class PixelAttention(nn.Module):
    """Self-attention over places, then a feed-forward layer."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, channels, eps=EPS)
        self.norm2 = nn.LayerNorm(channels)
        self.norm3 = nn.LayerNorm(channels)
        self.ff = FeedForward(channels)
        self.conv_in = nn.Conv2d(channels, channels, 1)
        self.conv_out = nn.Conv2d(channels, channels, 1)
        self.attn = Attention(channels, heads=HEADS, dim_head=channels // HEADS, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, h, w)` -> the same shape."""
        tokens = self.conv_in(self.norm1(x)).flatten(2).transpose(1, 2)
        tokens = tokens + self.attn(self.norm2(tokens))
        tokens = tokens + self.ff(self.norm3(tokens))
        made: Tensor = self.conv_out(tokens.transpose(1, 2).reshape(x.shape))
        return x + made


class Encoder(nn.Module):
    """From a picture to one number a channel."""

    def __init__(
        self,
        channels: int,
        widths: Sequence[int],
        factors: Sequence[Factor],
        attends: Sequence[int],
    ) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(channels, widths[0], 3, padding=1)
        self.down_blocks = nn.ModuleList()
        before = widths[0]
        for n, (width, factor) in enumerate(zip(widths, factors, strict=True)):
            self.down_blocks.append(Stage(before, width, factor))
            if n in attends:
                self.down_blocks.append(PixelAttention(width))
            before = width
        self.norm_out = nn.GroupNorm(GROUPS, before, eps=EPS)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, channels, h, w)` -> `(N, D)` of length 1."""
        x = self.conv_in(x)
        for block in self.down_blocks:
            x = block(x)
        return normalize(relu(self.norm_out(x)).flatten(1), dim=1)


class StableSyncNet(nn.Module):
    """Two encoders with a common space.

    Args:
        audio: channels of the stages of the sound's encoder, multiples of 32.
        visual: of the faces' encoder; the last ones are as many.
    """

    def __init__(
        self, audio: Sequence[int] = AUDIO_WIDTHS, visual: Sequence[int] = VISUAL_WIDTHS
    ) -> None:
        super().__init__()
        self.audio_encoder = Encoder(1, audio, _AUDIO, _AUDIO_ATTENDS)
        self.visual_encoder = Encoder(3 * FRAMES, visual, _VISUAL, _VISUAL_ATTENDS)

    def embed_faces(self, faces: Tensor) -> Tensor:
        """`(N, 48, 128, 256)` in -1..1, 16 RGB lower halves after each other -> `(N, 2048)` of length 1."""
        made: Tensor = self.visual_encoder(faces)
        return made

    def embed_sound(self, mel: Tensor) -> Tensor:
        """`(N, 1, 80, 52)` mel in -4..4 -> `(N, 2048)` of length 1."""
        made: Tensor = self.audio_encoder(mel)
        return made


def load(path: Path) -> StableSyncNet:
    """The network of a checkpoint, on the CPU in fp32, ready to be used; how wide it is, the tensors tell.

    Raises:
        PluginUnavailable: the file is damaged or holds another network.
    """
    tensors = state_dict.read(path)
    found = [_widths(tensors, name) for name in ("audio_encoder", "visual_encoder")]
    shaped = all(w and w % GROUPS == 0 for widths in found for w in widths)
    if not shaped or [len(widths) for widths in found] != [len(_AUDIO), len(_VISUAL)]:
        raise PluginUnavailable(
            f"The weight file {path} is not StableSyncNet: it holds none of its layers.",
            "Get stable_syncnet.pt anew: lipsync weights pull stable-syncnet.",
        )
    return loaded(lambda: StableSyncNet(*found), path, tensors)


def _widths(tensors: Mapping[str, Tensor], encoder: str) -> list[int]:
    """Channels of an encoder's stages, in their order."""
    found: dict[int, int] = {}
    for name, tensor in tensors.items():
        stage = re.fullmatch(rf"{encoder}\.down_blocks\.(\d+)\.conv2\.weight", name)
        if stage is not None:
            found[int(stage[1])] = len(tensor)
    return [found[n] for n in sorted(found)]
