"""The convolution block of Wav2Lip, and the audio encoder made of it that many lip-sync networks have.

Architecture from Prajwal et al., "A Lip Sync Expert Is All You Need for Speech to Lip Generation In the Wild"
(ACM MM 2020), and from the names and shapes in checkpoints of networks that are built this way. Names of
submodules are those of their state dicts: `conv_block.0` is the convolution, `conv_block.1` its BatchNorm
(PyTorch's default epsilon).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Block", "enlarging", "mel_encoder", "residual"]


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


def mel_encoder() -> nn.Sequential:
    """The audio encoder: 13 blocks, `(N, 1, 80, 16)` mel in -4..4 -> `(N, 512, 1, 1)`."""
    return nn.Sequential(
        *(Block(1, 32, 3, 1, 1), residual(32), residual(32)),
        *(Block(32, 64, 3, (3, 1), 1), residual(64), residual(64)),
        *(Block(64, 128, 3, 3, 1), residual(128), residual(128)),
        *(Block(128, 256, 3, (3, 2), 1), residual(256)),
        *(Block(256, 512, 3, 1, 0), Block(512, 512, 1, 1, 0)),
    )
