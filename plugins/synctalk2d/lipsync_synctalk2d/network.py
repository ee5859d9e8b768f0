"""The U-Net of one person: a masked picture, a reference picture and sound in, the whole picture out.

Written from the names and shapes in its checkpoints and from figures of its layers; nothing was copied. The
same class is SyncTalk_2D's 328 and 160, and Ultralight's 160.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lipsync_synctalk2d.layers import Double, Down, Entry, Exit, Inverted, Up
from lipsync_synctalk2d.layouts import Layout

_DOWN = {320: (32, 32, 64, 128, 256, 512), 160: (32, 64, 128, 256, 512)}
"""Channels from the whole picture down to 10x10."""
_UP = (128, 64, 32, 32, 16)


class FaceNetwork(nn.Module):
    """The U-Net; parameter names and shapes are those of SyncTalk_2D's checkpoints.

    Args:
        layout: size of its pictures and shape of its sound.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        widths = _DOWN[layout.side]
        levels = len(widths) - 1
        self._downs = [f"down{k + 1}" for k in range(levels)]
        self._ups = [f"up{k + 1}" for k in range(levels)]
        self.audio_model = SoundBranch(layout.shape)
        self.fuse_conv = nn.Sequential(Double(1024, 512), Double(512, 256))
        self.inc = Entry(6, widths[0])
        for name, into, out in zip(self._downs, widths, widths[1:], strict=False):
            self.add_module(name, Down(into, out))
        below = 256
        for name, skip, out in zip(self._ups, reversed(widths[:-1]), _UP, strict=False):
            self.add_module(name, Up(below + skip, out))
            below = out
        self.outc = Exit(below)

    def forward(self, pictures: Tensor, sound: Tensor) -> Tensor:
        """New pictures.

        Args:
            pictures: `(N, 6, side, side)` in 0..1: BGR of the reference, then BGR with the mask black.
            sound: `(N, *shape)` features.

        Returns:
            `(N, 3, side, side)` BGR in 0..1.
        """
        skips = [self.inc(pictures)]
        for name in self._downs:
            skips.append(self.get_submodule(name)(skips[-1]))
        x: Tensor = self.fuse_conv(torch.cat([skips.pop(), self.audio_model(sound)], dim=1))
        for name in self._ups:
            x = self.get_submodule(name)(x, skips.pop())
        return torch.sigmoid(self.outc(x))


class SoundBranch(nn.Module):
    """Features of one frame to `(512, 10, 10)`.

    Args:
        shape: of one frame's features; its first number is the channels.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        planes, height, width = shape
        widths = (64, 128) if planes <= 32 else (256, 256)
        self.conv1 = Inverted(planes, widths[0], skip=planes == widths[0])
        self.conv2 = Inverted(*widths, skip=widths[0] == widths[1])
        # The step brings every kind of sound to 16x16.
        self.conv3 = nn.Conv2d(widths[1], 256, 3, (height // 16, width // 16), 1)
        self.bn3 = nn.BatchNorm2d(256)
        self.conv4 = Inverted(256, 256, skip=True)
        self.conv5 = nn.Conv2d(256, 512, 3, 2, 3)
        self.bn5 = nn.BatchNorm2d(512)
        self.conv6 = Inverted(512, 512, skip=True)
        self.conv7 = Inverted(512, 512, skip=True)

    def forward(self, sound: Tensor) -> Tensor:
        """`(N, *shape)` -> `(N, 512, 10, 10)`."""
        x = self.conv2(self.conv1(sound))
        x = self.conv4(torch.relu(self.bn3(self.conv3(x))))
        x = torch.relu(self.bn5(self.conv5(x)))
        y: Tensor = self.conv7(self.conv6(x))
        return y
