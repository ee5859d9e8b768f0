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
        thin = layout.thin
        widths = [width // thin for width in _DOWN[layout.side]]
        levels = len(widths) - 1
        self._downs = [f"down{k + 1}" for k in range(levels)]
        self._ups = [f"up{k + 1}" for k in range(levels)]
        self.audio_model = SoundBranch(layout.shape, thin)
        self.fuse_conv = nn.Sequential(
            Double(1024 // thin, 512 // thin), Double(512 // thin, 256 // thin)
        )
        self.inc = Entry(6, widths[0])
        for name, into, out in zip(self._downs, widths, widths[1:], strict=False):
            self.add_module(name, Down(into, out))
        below = 256 // thin
        for name, skip, out in zip(self._ups, reversed(widths[:-1]), _UP, strict=False):
            self.add_module(name, Up(below + skip, out // thin))
            below = out // thin
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
        thin: all numbers of channels but that are divided by this.
    """

    def __init__(self, shape: tuple[int, int, int], thin: int = 1) -> None:
        super().__init__()
        planes, height, width = shape
        self._wide = width == 1  # a curve over time for each plane: the same in all columns
        one, two, three, four = (64, 128, 256, 512) if planes <= 32 else (256, 256, 256, 512)
        one, two, three, four = one // thin, two // thin, three // thin, four // thin
        self.conv1 = Inverted(planes, one, skip=planes == one)
        self.conv2 = Inverted(one, two, skip=one == two)
        # The step brings every kind of sound to 16x16.
        self.conv3 = nn.Conv2d(two, three, 3, (height // 16, max(1, width // 16)), 1)
        self.bn3 = nn.BatchNorm2d(three)
        self.conv4 = Inverted(three, three, skip=True)
        self.conv5 = nn.Conv2d(three, four, 3, 2, 3)
        self.bn5 = nn.BatchNorm2d(four)
        self.conv6 = Inverted(four, four, skip=True)
        self.conv7 = Inverted(four, four, skip=True)

    def forward(self, sound: Tensor) -> Tensor:
        """`(N, *shape)` -> `(N, 512, 10, 10)`."""
        if self._wide:
            sound = sound.expand(-1, -1, -1, 16)
        x = self.conv2(self.conv1(sound))
        x = self.conv4(torch.relu(self.bn3(self.conv3(x))))
        x = torch.relu(self.bn5(self.conv5(x)))
        y: Tensor = self.conv7(self.conv6(x))
        return y
