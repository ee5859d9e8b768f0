"""Building blocks of a person's network. Names of submodules are those of the published state dicts."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_WIDER = 2
"""How many times wider a block is inside."""


class Inverted(nn.Module):
    """Widened by a 1x1 convolution, filtered channel by channel, narrowed again (Sandler et al. 2018).

    Args:
        into: channels in.
        out: channels out.
        stride: step of the 3x3 filter.
        skip: the input is added (same channels, stride 1); nothing is cut off after that.
    """

    def __init__(self, into: int, out: int, stride: int = 1, *, skip: bool = False) -> None:
        super().__init__()
        inside = into * _WIDER
        self.conv = nn.Sequential(
            nn.Conv2d(into, inside, 1, bias=False),
            nn.BatchNorm2d(inside),
            nn.ReLU(inplace=True),
            nn.Conv2d(inside, inside, 3, stride, 1, groups=inside, bias=False),
            nn.BatchNorm2d(inside),
            nn.ReLU(inplace=True),
            nn.Conv2d(inside, out, 1, bias=False),
            nn.BatchNorm2d(out),
        )
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        """`(N, into, h, w)` -> `(N, out, h', w')`."""
        y: Tensor = self.conv(x)
        return x + y if self.skip else y


class Double(nn.Module):
    """Two blocks; the first one changes channels and perhaps size, the second one refines."""

    def __init__(self, into: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.double_conv = nn.Sequential(
            Inverted(into, out, stride),
            Inverted(out, out, skip=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """`(N, into, h, w)` -> `(N, out, h', w')`."""
        y: Tensor = self.double_conv(x)
        return y


class Entry(nn.Module):
    """The first block of the U-Net."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.inconv = nn.Sequential(Inverted(into, out))

    def forward(self, x: Tensor) -> Tensor:
        """`(N, into, h, w)` -> `(N, out, h, w)`."""
        y: Tensor = self.inconv(x)
        return y


class Down(nn.Module):
    """Halves the size; by a stride, whatever the name of its submodule says."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.maxpool_conv = nn.Sequential(Double(into, out, 2))

    def forward(self, x: Tensor) -> Tensor:
        """`(N, into, h, w)` -> `(N, out, h/2, w/2)`."""
        y: Tensor = self.maxpool_conv(x)
        return y


class Up(nn.Module):
    """Doubles the size and concatenates the skip connection from the encoder."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.conv = Double(into, out)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """`(N, a, h, w)` and `(N, b, 2h, 2w)` -> `(N, out, 2h, 2w)`, where a + b channels are wanted."""
        large = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        y: Tensor = self.conv(torch.cat([large, skip], dim=1))
        return y


class Exit(nn.Module):
    """Pixels of features to colours."""

    def __init__(self, into: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, into, h, w)` -> `(N, 3, h, w)`."""
        y: Tensor = self.conv(x)
        return y
