"""The AVE audio encoder's network: a mel window in, 512 numbers out. Its layers are those of Wav2Lip's."""

from __future__ import annotations

from torch import Tensor, nn

from lipsync_synctalk2d.layers import Unit


class AveNetwork(nn.Sequential):
    """13 units; parameter names and shapes are those of the published checkpoint."""

    def __init__(self) -> None:
        super().__init__(
            *(Unit(1, 32, 3, 1, 1), _same(32), _same(32)),
            *(Unit(32, 64, 3, (3, 1), 1), _same(64), _same(64)),
            *(Unit(64, 128, 3, 3, 1), _same(128), _same(128)),
            *(Unit(128, 256, 3, (3, 2), 1), _same(256)),
            *(Unit(256, 512, 3, 1, 0), Unit(512, 512, 1, 1, 0)),
        )

    def forward(self, mel: Tensor) -> Tensor:
        """`(N, 1, 80, 16)` in -4..4 -> `(N, 512)`."""
        for unit in self:
            mel = unit(mel)
        return mel.flatten(1)


def _same(channels: int) -> Unit:
    return Unit(channels, channels, 3, 1, 1, residual=True)
