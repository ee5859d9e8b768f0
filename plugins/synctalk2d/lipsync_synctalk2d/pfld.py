"""PFLD with 110 points: the network that finds landmarks in SyncTalk_2D's preparation, and their use there.

The engine does not need it: it cuts crops by its own landmarks, at the place where these would. It is here to
compare with the original, and for those who have its files. Written from the names and shapes in its
checkpoint; how the blocks hang together was found by comparing with a figure of the original's output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from lipsync_core.errors import UnsupportedInput
from lipsync_core.networks.loading import loaded
from lipsync_core.weights import state_dict

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from lipsync_core.records import Image

POINTS, SIDE = 110, 192
_BRANCHES = 6
_WIDER = 1.05
"""How much wider than the face's box the crop is."""
_CONTAINER = "pfld_backbone."


class Branched(nn.Module):
    """Convolutions side by side, added up (MobileOne, Vasu et al. 2023, as it is trained)."""

    def __init__(
        self, into: int, out: int, kernel: int, step: int = 1, groups: int = 1, *, relu: bool = True
    ) -> None:
        super().__init__()
        self.rbr_conv = nn.ModuleList(
            Normed(into, out, kernel, step, groups) for _ in range(_BRANCHES)
        )
        self.rbr_scale = Normed(into, out, 1, step, groups) if kernel > 1 else None
        self.rbr_skip = nn.BatchNorm2d(into) if into == out and step == 1 else None
        self._relu = relu

    def forward(self, x: Tensor) -> Tensor:
        """`(N, into, h, w)` -> `(N, out, h', w')`."""
        y: Tensor = sum((branch(x) for branch in self.rbr_conv), torch.zeros(()))
        if self.rbr_scale is not None:
            y = y + self.rbr_scale(x)
        if self.rbr_skip is not None:
            y = y + self.rbr_skip(x)
        return torch.relu(y) if self._relu else y


class Normed(nn.Module):
    """Convolution and BatchNorm."""

    def __init__(self, into: int, out: int, kernel: int, step: int, groups: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, kernel, step, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, into, h, w)` -> `(N, out, h', w')`."""
        y: Tensor = self.bn(self.conv(x))
        return y


class Ghost(nn.Module):
    """Half of the channels by mixing all, the other half by filtering these (GhostNet, Han et al. 2020)."""

    def __init__(self, into: int, out: int, *, relu: bool) -> None:
        super().__init__()
        half = out // 2
        self.primary_conv = Branched(into, half, 1, relu=relu)
        self.cheap_operation = Branched(half, half, 3, groups=half, relu=relu)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, into, h, w)` -> `(N, out, h, w)`."""
        mixed = self.primary_conv(x)
        return torch.cat([mixed, self.cheap_operation(mixed)], dim=1)


class Bottleneck(nn.Module):
    """Widened, perhaps halved in size, narrowed; the input is not added."""

    def __init__(self, into: int, inside: int, out: int, step: int = 1) -> None:
        super().__init__()
        halving: nn.Module = nn.Identity()
        if step == 2:
            halving = Branched(inside, inside, 3, 2, inside, relu=False)
        self.ghost_conv = nn.Sequential(
            Ghost(into, inside, relu=True), halving, Ghost(inside, out, relu=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        """`(N, into, h, w)` -> `(N, out, h', w')`."""
        y: Tensor = self.ghost_conv(x)
        return y


class PfldNetwork(nn.Module):
    """The network; names and shapes are those of `pfld_backbone` in its checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = Branched(3, 32, 3, 2)
        self.conv2 = Branched(32, 32, 3, groups=32)
        self.conv3_1 = Bottleneck(32, 48, 40, 2)
        self.conv3_2, self.conv3_3 = (Bottleneck(40, 60, 40) for _ in range(2))
        self.conv4_1 = Bottleneck(40, 100, 48, 2)
        self.conv4_2, self.conv4_3 = (Bottleneck(48, 120, 48) for _ in range(2))
        self.conv5_1 = Bottleneck(48, 168, 72, 2)
        self.conv5_2, self.conv5_3, self.conv5_4 = (Bottleneck(72, 252, 72) for _ in range(3))
        self.conv6 = Bottleneck(72, 108, 8)
        self.conv7 = Branched(8, 16, 3)
        self.conv8 = nn.Sequential(nn.Conv2d(16, 64, 12, bias=False))
        self.conv_out = nn.Conv2d(256, 2 * POINTS, 1)
        # In the checkpoint, and not used.
        self.localization = nn.Sequential(
            nn.Conv2d(1, 8, 7), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(8, 10, 5)
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """`(N, 3, 192, 192)` BGR in 0..1 -> `(N, 220)`: x and y of the points, less the mean face's."""
        first = self.conv2(self.conv1(pictures))
        second = self.conv3_3(self.conv3_2(self.conv3_1(first)))
        third = self.conv4_3(self.conv4_2(self.conv4_1(second)))
        fourth = self.conv5_4(self.conv5_3(self.conv5_2(self.conv5_1(third))))
        last = torch.relu(self.conv8(self.conv7(self.conv6(fourth))))
        seen = [x.mean((2, 3), keepdim=True) for x in (first, second, third, fourth)]
        points: Tensor = self.conv_out(torch.cat([*seen, last], dim=1))
        return points.flatten(1)


def load_pfld(checkpoint: Path) -> PfldNetwork:
    """From `checkpoint_epoch_335.pth.tar` of SyncTalk_2D or Ultralight.

    Raises:
        PluginUnavailable: the file is damaged or holds another network.
    """
    tensors = state_dict.read(checkpoint)
    plain = {name.removeprefix(_CONTAINER): tensor for name, tensor in tensors.items()}
    return loaded(PfldNetwork, checkpoint, plain)


def read_mean_face(path: Path) -> NDArray[np.float32]:
    """`(220,)` from `mean_face.txt`, which lies beside the checkpoint.

    Raises:
        UnsupportedInput: it is no such file.
    """
    try:
        numbers = np.array(path.read_text("utf-8").split(), np.float32)
    except (OSError, ValueError) as error:
        raise UnsupportedInput(f"{path} cannot be read as a mean face.", "Get it anew.") from error
    if len(numbers) != 2 * POINTS:
        raise UnsupportedInput(
            f"{path} holds {len(numbers)} numbers instead of {2 * POINTS}.", "Get it anew."
        )
    return numbers


def landmarks(
    network: PfldNetwork,
    mean_face: NDArray[np.float32],
    frame: Image,
    box: tuple[float, float, float, float],
) -> NDArray[np.int64]:
    """`(110, 2)` points in whole pixels of the frame, as `landmarks/N.lms` has them.

    Args:
        network: on the CPU.
        mean_face: `(220,)` in 0..1.
        frame: `(H, W, 3)` uint8 BGR.
        box: x0, y0, x1, y1 of the face.
    """
    x0, y0, x1, y1 = box
    side = int(max(x1 - x0, y1 - y0) * _WIDER)
    left, top = int((x0 + x1) / 2 - side // 2), int((y0 + y1) / 2 - side // 2)
    crop = np.zeros((side, side, 3), np.uint8)  # black outside of the frame
    height, width = frame.shape[:2]
    a, b = max(0, left), max(0, top)
    c, d = min(width, left + side), min(height, top + side)
    if c > a and d > b:
        crop[b - top : d - top, a - left : c - left] = frame[b:d, a:c]
    small = np.asarray(cv2.resize(crop, (SIDE, SIDE)), np.float32) / np.float32(255)
    with torch.inference_mode():
        made = network(torch.from_numpy(small.transpose(2, 0, 1)[None].copy()))[0].numpy()
    points = ((made + mean_face).reshape(POINTS, 2) * side).astype(np.int32)
    found: NDArray[np.int64] = points.astype(np.int64) + np.array([left, top])
    return found
