"""BiSeNet for face parsing in PyTorch: a picture of a face in, which of 19 parts each pixel shows out.

Written from the paper (Yu et al. 2018) and the names and shapes in the published file (face-parsing.PyTorch).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lipsync_core.networks.device import NetworkDevice
from lipsync_core.networks.loading import loaded

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CLASSES, SIDE = 19, 512
_MEAN = np.array((0.485, 0.456, 0.406), np.float32)
_SPREAD = np.array((0.229, 0.224, 0.225), np.float32)
"""Of ImageNet, RGB."""


class _Convolution(nn.Module):
    """Convolution, normalisation, ReLU."""

    def __init__(self, given: int, made: int, side: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(given, made, side, padding=side // 2, bias=False)
        self.bn = nn.BatchNorm2d(made)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.bn(self.conv(x)))


class _Residual(nn.Module):
    """The basic block of ResNet-18."""

    def __init__(self, given: int, made: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(given, made, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(made)
        self.conv2 = nn.Conv2d(made, made, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(made)
        self.downsample: nn.Module | None = None
        if given != made or stride != 1:
            self.downsample = nn.Sequential(
                nn.Conv2d(given, made, 1, stride, bias=False), nn.BatchNorm2d(made)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(made + (x if self.downsample is None else self.downsample(x)))


class _ResNet18(nn.Module):
    """Features at an eighth, a sixteenth and a thirty-second of the size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(_Residual(64, 64, 1), _Residual(64, 64, 1))
        self.layer2 = nn.Sequential(_Residual(64, 128, 2), _Residual(128, 128, 1))
        self.layer3 = nn.Sequential(_Residual(128, 256, 2), _Residual(256, 256, 1))
        self.layer4 = nn.Sequential(_Residual(256, 512, 2), _Residual(512, 512, 1))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, 2, padding=1)
        eighth = self.layer2(self.layer1(x))
        sixteenth = self.layer3(eighth)
        return eighth, sixteenth, self.layer4(sixteenth)


class _Refinement(nn.Module):
    """Features weighted by what the whole picture says of each channel."""

    def __init__(self, given: int) -> None:
        super().__init__()
        self.conv = _Convolution(given, 128, 3)
        self.conv_atten = nn.Conv2d(128, 128, 1, bias=False)
        self.bn_atten = nn.BatchNorm2d(128)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.conv(x)
        share = self.bn_atten(self.conv_atten(features.mean((2, 3), keepdim=True)))
        return features * torch.sigmoid(share)


class _Context(nn.Module):
    """The context path: coarse features come down to an eighth, refined on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.resnet = _ResNet18()
        self.arm16, self.arm32 = _Refinement(256), _Refinement(512)
        self.conv_head32, self.conv_head16 = _Convolution(128, 128, 3), _Convolution(128, 128, 3)
        self.conv_avg = _Convolution(512, 128, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        eighth, sixteenth, last = self.resnet(x)
        coarse = self.arm32(last) + self.conv_avg(last.mean((2, 3), keepdim=True))
        to16 = self.conv_head32(_grown(coarse, sixteenth))
        to8 = self.conv_head16(_grown(self.arm16(sixteenth) + to16, eighth))
        return eighth, to8, to16


class _Fusion(nn.Module):
    """Fine and coarse features at an eighth as one."""

    def __init__(self) -> None:
        super().__init__()
        self.convblk = _Convolution(256, 256, 1)
        self.conv1 = nn.Conv2d(256, 64, 1, bias=False)
        self.conv2 = nn.Conv2d(64, 256, 1, bias=False)

    def forward(self, fine: torch.Tensor, coarse: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.convblk(torch.cat([fine, coarse], 1))
        share = self.conv2(functional.relu(self.conv1(features.mean((2, 3), keepdim=True))))
        return features * torch.sigmoid(share) + features


class _Head(nn.Module):
    def __init__(self, given: int, between: int) -> None:
        super().__init__()
        self.conv = _Convolution(given, between, 3)
        self.conv_out = nn.Conv2d(between, CLASSES, 1, bias=False)

    def forward(self, x: torch.Tensor, size: torch.Size) -> torch.Tensor:
        return functional.interpolate(
            self.conv_out(self.conv(x)), size, mode="bilinear", align_corners=True
        )


class ParsingNetwork(nn.Module):
    """BiSeNet; its second and third head serve training only."""

    def __init__(self) -> None:
        super().__init__()
        self.cp = _Context()
        self.ffm = _Fusion()
        self.conv_out = _Head(256, 256)
        self.conv_out16, self.conv_out32 = _Head(128, 64), _Head(128, 64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`(N, 3, H, W)` normalised RGB -> `(N, 19, H, W)`: the largest number is the part."""
        fine, coarse, _ = self.cp(x)
        made: torch.Tensor = self.conv_out(self.ffm(fine, coarse), x.shape[2:])
        return made

    def heads(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The same of all three heads."""
        fine, coarse, coarser = self.cp(x)
        size = x.shape[2:]
        return (
            self.conv_out(self.ffm(fine, coarse), size),
            self.conv_out16(coarse, size),
            self.conv_out32(coarser, size),
        )


class FaceParser:
    """The network on a device, in fp32.

    Args:
        path: `79999_iter.pth`.
        device: "cpu", "cuda", "cuda:1".
        threads: CPU threads.

    Raises:
        PluginUnavailable: the file is damaged or another network's, or this torch cannot use the device.
        OutOfMemory: it does not fit.
    """

    def __init__(self, path: Path, device: str, threads: int) -> None:
        self._device = NetworkDevice(device, "The blender parsing", threads)
        self._network = self._device.place(loaded(ParsingNetwork, path))

    def __call__(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """`(512, 512)`, the part that each pixel of a `(512, 512, 3)` RGB picture of a face shows.

        Raises:
            OutOfMemory: it does not fit.
        """
        with self._device.memory(), torch.inference_mode():
            scores = self._network(self._device.put(normalised(picture[None])))
            parts: NDArray[np.uint8] = scores[0].argmax(0).to(torch.uint8).cpu().numpy()
        return parts

    def close(self) -> None:
        """Release the network."""
        del self._network
        self._device.release()


def normalised(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`(N, H, W, 3)` RGB -> `(N, 3, H, W)` as ImageNet's networks want it."""
    scaled = (pictures.astype(np.float32) / np.float32(255.0) - _MEAN) / _SPREAD
    return np.ascontiguousarray(np.moveaxis(scaled, 3, 1), np.float32)


def _grown(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(x, like.shape[2:], mode="nearest")
