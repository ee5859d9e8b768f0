"""The one building block of Wav2Lip's networks.

Names of submodules are those of the published state dicts: `conv_block.0` is the convolution, `conv_block.1`
its BatchNorm (PyTorch's default epsilon).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

Size = int | tuple[int, int]


class Block(nn.Module):
    """Convolution, BatchNorm, ReLU.

    Args:
        into: channels in.
        out: channels out.
        kernel: size of the kernel.
        stride: step of the kernel.
        padding: zeros around the input.
        residual: the input is added before the ReLU (same channels and size).
        transposed: a transposed convolution, which enlarges.
        extra: rows and columns that a transposed convolution adds at its end.
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
        transposed: bool = False,
        extra: int = 0,
    ) -> None:
        super().__init__()
        convolution: nn.Module = (
            nn.ConvTranspose2d(into, out, kernel, stride, padding, extra)
            if transposed
            else nn.Conv2d(into, out, kernel, stride, padding)
        )
        self.conv_block = nn.Sequential(convolution, nn.BatchNorm2d(out))
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """`(N, into, h, w)` -> `(N, out, h', w')`."""
        y: Tensor = self.conv_block(x)
        if self.residual:
            y = y + x
        return torch.relu(y)


def residual(channels: int) -> Block:
    """The block that keeps channels and size, and adds its input."""
    return Block(channels, channels, 3, 1, 1, residual=True)


def enlarging(into: int, out: int, *, stride: int = 2, padding: int = 1, extra: int = 1) -> Block:
    """The block with a transposed 3x3 convolution; by default it doubles the size."""
    return Block(into, out, 3, stride, padding, transposed=True, extra=extra)
