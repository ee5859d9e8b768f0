"""SyncNet_color of SyncTalk_2D: one picture and its sound, each as a point on a sphere; near when they fit.

Written from the names and shapes in its checkpoints; steps and padding were found by comparing with figures
of the original's layers (tests). Nothing was copied.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, normalize

from lipsync_synctalk2d.layouts import Layout

Step = int | tuple[int, int]
_LEAK = 0.01


class Unit(nn.Module):
    """Convolution, BatchNorm, leaky ReLU; with `residual` the input is added before that."""

    def __init__(
        self, into: int, out: int, kernel: int, step: Step, padding: int, *, residual: bool = False
    ) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.Conv2d(into, out, kernel, step, padding), nn.BatchNorm2d(out)
        )
        self._residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """`(N, into, h, w)` -> `(N, out, h', w')`."""
        y: Tensor = self.conv_block(x)
        return leaky_relu(y + x if self._residual else y, _LEAK)


def _kept(channels: int, count: int) -> list[Unit]:
    return [Unit(channels, channels, 3, 1, 1, residual=True) for _ in range(count)]


class SyncNetwork(nn.Module):
    """Two encoders with a common space; names and shapes are those of SyncTalk_2D's checkpoints.

    Args:
        layout: of the U-Net that it teaches: size of the pictures, shape of the sound, thinness.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        a, b, c, d, e = (width // layout.thin for width in (32, 64, 128, 256, 512))
        planes, height, width = layout.shape
        halved = [Unit(a, a, 5, 2, 1)] if layout.side == 320 else []
        self.face_encoder = nn.Sequential(
            Unit(3, a, 7, 1, 3),
            *halved,
            *(Unit(a, b, 5, 2, 1), *_kept(b, 2)),
            *(Unit(b, c, 3, 2, 1), *_kept(c, 3)),
            *(Unit(c, d, 3, 2, 1), *_kept(d, 2)),
            *(Unit(d, e, 3, 2, 1), *_kept(e, 2)),
            *(Unit(e, e, 3, 2, 1), Unit(e, e, 3, 1, 0), Unit(e, e, 1, 1, 0)),
        )
        self._wide = width == 1  # as in the U-Net
        first = (height // 16, max(1, width // 16))
        self.audio_encoder = nn.Sequential(
            *(Unit(planes, c, 3, 1, 1), *_kept(c, 2)),
            *(Unit(c, d, 3, first, 1), *_kept(d, 2)),
            *(Unit(d, d, 3, 2, 2), *_kept(d, 2)),
            *(Unit(d, e, 3, 2, 1), *_kept(e, 2)),
            *(Unit(e, e, 3, 1, 0), Unit(e, e, 1, 1, 0)),
        )

    def forward(self, pictures: Tensor, sound: Tensor) -> tuple[Tensor, Tensor]:
        """Points of sound and picture.

        Args:
            pictures: `(N, 3, side, side)` BGR in 0..1.
            sound: `(N, *shape)` features.

        Returns:
            Sound and picture, `(N, points)` of length 1 each.
        """
        if self._wide:
            sound = sound.expand(-1, -1, -1, 16)
        heard = self.audio_encoder(sound).flatten(1).float()
        seen = self.face_encoder(pictures).flatten(1).float()
        return normalize(heard, dim=1), normalize(seen, dim=1)

    def agreement(self, pictures: Tensor, sound: Tensor) -> Tensor:
        """`(N,)` cosine of each picture and its sound."""
        heard, seen = self(pictures, sound)
        cosine: Tensor = (heard * seen).sum(1)
        return cosine


def agreement_loss(cosine: Tensor, fits: Tensor | float) -> Tensor:
    """Binary cross-entropy of cosines, taken as probabilities as published, against 1 or 0.

    Published code fails on a negative cosine; here it counts as hardly above 0, with a slope back up.
    """
    wanted = torch.as_tensor(fits, dtype=cosine.dtype, device=cosine.device).expand_as(cosine)
    probable = cosine.clamp(_SURE, 1 - _SURE)
    loss = -(wanted * probable.log() + (1 - wanted) * (1 - probable).log())
    below = wanted * (_SURE - cosine).clamp(min=0)  # the clamp alone has no slope
    return (loss + below).mean()


_SURE = 1e-4
