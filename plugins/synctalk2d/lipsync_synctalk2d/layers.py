"""Building blocks of SyncTalk_2D's networks, and folding their normalisation away.

Names of submodules are those of the published state dicts.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

Size = int | tuple[int, int]
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
    """Doubles the size and takes in what the way down had there."""

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


class Unit(nn.Module):
    """Convolution, BatchNorm, ReLU: the block of the AVE audio encoder, the same as Wav2Lip's.

    Args:
        into: channels in.
        out: channels out.
        kernel: size of the kernel.
        stride: step of the kernel.
        padding: zeros around the input.
        residual: the input is added before the ReLU (same channels and size).
    """

    def __init__(
        self,
        into: int,
        out: int,
        kernel: int,
        stride: Size,
        padding: int,
        *,
        residual: bool = False,
    ) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.Conv2d(into, out, kernel, stride, padding), nn.BatchNorm2d(out)
        )
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """`(N, into, h, w)` -> `(N, out, h', w')`."""
        y: Tensor = self.conv_block(x)
        return torch.relu(y + x if self.residual else y)


def fold(network: nn.Module) -> None:
    """Multiply every BatchNorm into the convolution before it, in place.

    The network must be in evaluation mode; what it gives changes by rounding only. A BatchNorm belongs to the
    convolution that was registered before it beside it, as in every block here.
    """
    for parent in network.modules():
        before: tuple[str, nn.Conv2d] | None = None
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.BatchNorm2d) and before is not None:
                setattr(parent, before[0], fuse_conv_bn_eval(before[1], child))
                setattr(parent, name, nn.Identity())
            before = (name, child) if isinstance(child, nn.Conv2d) else None
