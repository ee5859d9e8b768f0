"""SyncNet v2: five pictures of a face, and 20 MFCC columns, each as 1024 numbers.

Architecture as in "Out of time: automated lip sync in the wild" (Chung and Zisserman, 2016) and in the state
dict of `syncnet_v2.model`; the steps of strides and pooling from joonson/syncnet_python (MIT, 2020-03).
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from lipsync_syncnet.spec import WIDTH


class SyncNetwork(nn.Module):
    """Two streams with a common space; parameter names and shapes are those of the checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = nn.Sequential(
            *_flat(1, 64, 3, padding=1),
            nn.Identity(),  # a pooling of one number there; it keeps its place among the names
            *_flat(64, 192, 3, padding=1),
            nn.MaxPool2d(3, (1, 2)),
            *_flat(192, 384, 3, padding=1),
            *_flat(384, 256, 3, padding=1),
            *_flat(256, 256, 3, padding=1),
            nn.MaxPool2d(3, 2),
            *_flat(256, 512, (5, 4)),
        )
        self.netfcaud = _head()
        self.netfclip = _head()
        # Only the first convolution looks along time; it makes one moment of the five.
        self.netcnnlip = nn.Sequential(
            *_deep(3, 96, (5, 7, 7), stride=2),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_deep(96, 256, (1, 5, 5), stride=2, padding=1),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            *_deep(256, 256, (1, 3, 3), padding=1),
            *_deep(256, 256, (1, 3, 3), padding=1),
            *_deep(256, 256, (1, 3, 3), padding=1),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_deep(256, 512, (1, 6, 6)),
        )

    def embed_faces(self, faces: Tensor) -> Tensor:
        """`(N, 3, 5, 224, 224)` BGR in 0..255, five pictures in a row -> `(N, 1024)`, of any length."""
        found: Tensor = self.netfclip(self.netcnnlip(faces).flatten(1))
        return found

    def embed_sound(self, columns: Tensor) -> Tensor:
        """`(N, 1, 13, 20)` MFCC, 0.2 s -> `(N, 1024)`, of any length."""
        found: Tensor = self.netfcaud(self.netcnnaud(columns).flatten(1))
        return found


def _flat(
    into: int, out: int, kernel: int | tuple[int, int], *, padding: int = 0
) -> Iterator[nn.Module]:
    yield nn.Conv2d(into, out, kernel, padding=padding)
    yield nn.BatchNorm2d(out)
    yield nn.ReLU(inplace=True)


def _deep(
    into: int, out: int, kernel: tuple[int, int, int], *, stride: int = 1, padding: int = 0
) -> Iterator[nn.Module]:
    """Stride and padding in the picture; along time there are none."""
    yield nn.Conv3d(into, out, kernel, (1, stride, stride), (0, padding, padding))
    yield nn.BatchNorm3d(out)
    yield nn.ReLU(inplace=True)


def _head() -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, WIDTH))
