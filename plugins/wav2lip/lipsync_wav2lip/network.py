"""The Wav2Lip generator network: 80x16 mel windows and half-masked 96x96 faces in, whole faces out.

Written from the architecture of the paper (Prajwal et al., "A Lip Sync Expert Is All You Need for Speech to
Lip Generation In the Wild", ACM MM 2020) and the names and shapes in its checkpoints.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lipsync_core.networks.blocks import Block, enlarging, mel_encoder, residual


class FaceNetwork(nn.Module):
    """The generator; parameter names and shapes are those of the published checkpoints."""

    def __init__(self) -> None:
        super().__init__()
        self.face_encoder_blocks = nn.ModuleList(
            [
                nn.Sequential(Block(6, 16, 7, 1, 3)),
                _halving(16, 32, residuals=2),
                _halving(32, 64, residuals=3),
                _halving(64, 128, residuals=2),
                _halving(128, 256, residuals=2),
                _halving(256, 512, residuals=1),
                nn.Sequential(Block(512, 512, 3, 1, 0), Block(512, 512, 1, 1, 0)),
            ]
        )
        self.audio_encoder = mel_encoder()
        self.face_decoder_blocks = nn.ModuleList(
            [
                nn.Sequential(Block(512, 512, 1, 1, 0)),
                nn.Sequential(
                    enlarging(1024, 512, stride=1, padding=0, extra=0),
                    residual(512),
                ),
                _doubling(1024, 512),
                _doubling(768, 384),
                _doubling(512, 256),
                _doubling(320, 128),
                _doubling(160, 64),
            ]
        )
        self.output_block = nn.Sequential(
            Block(80, 32, 3, 1, 1), nn.Conv2d(32, 3, 1, 1, 0), nn.Sigmoid()
        )

    def forward(self, mel: Tensor, faces: Tensor) -> Tensor:
        """New faces.

        Args:
            mel: `(N, 1, 80, 16)` in -4..4.
            faces: `(N, 6, 96, 96)` in 0..1: three channels BGR with the lower half black, then the whole
                face (of the same or another frame) BGR.

        Returns:
            `(N, 3, 96, 96)` BGR in 0..1.
        """
        skips: list[Tensor] = []
        x = faces
        for block in self.face_encoder_blocks:
            x = block(x)
            skips.append(x)
        y: Tensor = self.audio_encoder(mel)
        for block in self.face_decoder_blocks:
            y = torch.cat([block(y), skips.pop()], dim=1)
        made: Tensor = self.output_block(y)
        return made


def _halving(into: int, out: int, *, residuals: int) -> nn.Sequential:
    return nn.Sequential(Block(into, out, 3, 2, 1), *(residual(out) for _ in range(residuals)))


def _doubling(into: int, out: int) -> nn.Sequential:
    return nn.Sequential(enlarging(into, out), residual(out), residual(out))
