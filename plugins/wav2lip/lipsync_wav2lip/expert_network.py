"""SyncNet_color, Wav2Lip's lip-sync expert: five lower half faces and a mel window, each as 512 numbers.

Architecture as in the Wav2Lip paper (section 3.1: SyncNet on colour, deeper, residual, cosine); the state
dict is that of `lipsync_expert.pth`.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import normalize

from lipsync_core.networks.blocks import Block, residual


class ExpertNetwork(nn.Module):
    """Two encoders with a common space; parameter names and shapes are those of the checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.face_encoder = nn.Sequential(
            Block(15, 32, 7, 1, 3),
            *(Block(32, 64, 5, (1, 2), 1), residual(64), residual(64)),
            *(Block(64, 128, 3, 2, 1), residual(128), residual(128), residual(128)),
            *(Block(128, 256, 3, 2, 1), residual(256), residual(256)),
            *(Block(256, 512, 3, 2, 1), residual(512), residual(512)),
            *(Block(512, 512, 3, 2, 1), Block(512, 512, 3, 1, 0), Block(512, 512, 1, 1, 0)),
        )
        self.audio_encoder = nn.Sequential(
            *(Block(1, 32, 3, 1, 1), residual(32), residual(32)),
            *(Block(32, 64, 3, (3, 1), 1), residual(64), residual(64)),
            *(Block(64, 128, 3, 3, 1), residual(128), residual(128)),
            *(Block(128, 256, 3, (3, 2), 1), residual(256), residual(256)),
            *(Block(256, 512, 3, 1, 0), Block(512, 512, 1, 1, 0)),
        )

    def embed_faces(self, faces: Tensor) -> Tensor:
        """`(N, 15, 48, 96)` in 0..1, five BGR lower halves after each other -> `(N, 512)` of length 1."""
        return normalize(self.face_encoder(faces).flatten(1), dim=1)

    def embed_mel(self, mel: Tensor) -> Tensor:
        """`(N, 1, 80, 16)` in -4..4 -> `(N, 512)` of length 1."""
        return normalize(self.audio_encoder(mel).flatten(1), dim=1)
