"""RTMPose-l for the whole body in PyTorch: a picture of a person in, where each of 133 points may lie out.

Written from the papers (Jiang et al. 2023, RTMPose; Lyu et al. 2022, RTMDet, for its backbone CSPNeXt; Hua et
al. 2022 for the gated attention unit; Li et al. 2022, SimCC) and the names and shapes in the file that DWPose
publishes (`dw-ll_ucoco_384.pth`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from lipsync_core.networks.device import NetworkDevice
from lipsync_core.networks.folding import fold
from lipsync_core.networks.loading import loaded

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    Lines = tuple[NDArray[np.float32], NDArray[np.float32]]
    """`(N, 133, 576)` and `(N, 133, 768)`: how likely each half column and each half row is."""

POINTS, COLUMNS, ROWS = 133, 288, 384
"""Points of a whole body, and the size of a picture."""
_STEPS = 2
"""Positions that are distinguished within a pixel."""
_STAGES = ((64, 128, 3), (128, 256, 6), (256, 512, 6), (512, 1024, 3))
"""Channels in, channels out, blocks."""
_FEATURES = (ROWS // 32) * (COLUMNS // 32)


class _Convolution(nn.Module):
    """Convolution, normalisation, SiLU."""

    def __init__(self, into: int, out: int, side: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, side, stride, side // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.silu(self.bn(self.conv(x)))


class _Separable(nn.Module):
    """A wide kernel for each channel, then all channels together."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise_conv = _Convolution(channels, channels, 5, groups=channels)
        self.pointwise_conv = _Convolution(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.pointwise_conv(self.depthwise_conv(x))
        return made


class _Block(nn.Module):
    """Two convolutions, and what came in where `adds`."""

    def __init__(self, channels: int, adds: bool) -> None:
        super().__init__()
        self.conv1 = _Convolution(channels, channels, 3)
        self.conv2 = _Separable(channels)
        self._adds = adds

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.conv2(self.conv1(x))
        return made + x if self._adds else made


class _ChannelAttention(nn.Module):
    """Each channel by its weight in the whole picture."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Conv2d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * functional.hardsigmoid(self.fc(x.mean((2, 3), keepdim=True)))


class _CrossStage(nn.Module):
    """Half of the channels through the blocks, the other half past them."""

    def __init__(self, channels: int, blocks: int, adds: bool) -> None:
        super().__init__()
        half = channels // 2
        self.main_conv = _Convolution(channels, half, 1)
        self.short_conv = _Convolution(channels, half, 1)
        self.final_conv = _Convolution(channels, channels, 1)
        self.blocks = nn.Sequential(*(_Block(half, adds) for _ in range(blocks)))
        self.attention = _ChannelAttention(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        both = torch.cat((self.blocks(self.main_conv(x)), self.short_conv(x)), 1)
        made: torch.Tensor = self.final_conv(self.attention(both))
        return made


class _Pyramid(nn.Module):
    """The same at four ranges: each point with its surroundings' maximum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = _Convolution(channels, channels // 2, 1)
        self.conv2 = _Convolution(channels * 2, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        near = self.conv1(x)
        ranges = [functional.max_pool2d(near, side, 1, side // 2) for side in (5, 9, 13)]
        made: torch.Tensor = self.conv2(torch.cat((near, *ranges), 1))
        return made


class _Backbone(nn.Module):
    """CSPNeXt."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            _Convolution(3, 32, 3, 2), _Convolution(32, 32, 3), _Convolution(32, 64, 3)
        )
        for number, (into, out, blocks) in enumerate(_STAGES, 1):
            last = number == len(_STAGES)
            between = [_Pyramid(out)] if last else []
            stage = [_Convolution(into, out, 3, 2), *between, _CrossStage(out, blocks, not last)]
            self.add_module(f"stage{number}", nn.Sequential(*stage))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.stem(x)
        for number in range(1, len(_STAGES) + 1):
            made = self.get_submodule(f"stage{number}")(made)
        return made


class _ScaleNorm(nn.Module):
    """To one length, which is learnt."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.g = nn.Parameter(torch.ones(1))
        self._width = width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True) * self._width**-0.5
        made: torch.Tensor = x / length.clamp(min=1e-5) * self.g
        return made


class _Scale(nn.Module):
    """By a learnt factor for each number."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.scale


class _GatedAttention(nn.Module):
    """Gated self-attention over points, with squared ReLU instead of softmax."""

    def __init__(self, width: int, inner: int, key: int) -> None:
        super().__init__()
        self.ln = _ScaleNorm(width)
        self.uv = nn.Linear(width, 2 * inner + key, bias=False)
        self.gamma = nn.Parameter(torch.ones(2, key))
        self.beta = nn.Parameter(torch.zeros(2, key))
        self.o = nn.Linear(inner, width, bias=False)
        self.res_scale = _Scale(width)
        self._parts = [inner, inner, key]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        base: torch.Tensor
        gate, value, base = torch.split(functional.silu(self.uv(self.ln(x))), self._parts, dim=-1)
        query, key = (base[..., None, :] * self.gamma + self.beta).unbind(-2)
        seen = functional.relu(query @ key.mT * self._parts[2] ** -0.5).square()
        made: torch.Tensor = self.res_scale(x) + self.o(gate * (seen @ value))
        return made


class _Head(nn.Module):
    """SimCC: columns and rows of a point are classified separately."""

    def __init__(self) -> None:
        super().__init__()
        self.final_layer = nn.Conv2d(_STAGES[-1][1], POINTS, 7, padding=3)
        self.mlp = nn.Sequential(_ScaleNorm(_FEATURES), nn.Linear(_FEATURES, 256, bias=False))
        self.gau = _GatedAttention(256, 512, 128)
        self.cls_x = nn.Linear(256, COLUMNS * _STEPS, bias=False)
        self.cls_y = nn.Linear(256, ROWS * _STEPS, bias=False)

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        made = self.gau(self.mlp(self.final_layer(features).flatten(2)))
        return self.cls_x(made), self.cls_y(made)


class PoseNetwork(nn.Module):
    """`(N, 3, 384, 288)` normalised RGB -> `(N, 133, 576)` and `(N, 133, 768)`."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = _Backbone()
        self.head = _Head()

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """How likely each half column and each half row is, for each point."""
        made: tuple[torch.Tensor, torch.Tensor] = self.head(self.backbone(pictures))
        return made


class PoseRuntime:
    """The network on a device.

    Args:
        path: its weights.
        device: "cpu", "cuda", "cuda:1".
        precision: "fp32", "bf16" or "fp16".
        threads: CPU threads.

    Raises:
        PluginUnavailable: the file is damaged or another network's, or this torch cannot use the device.
        OutOfMemory: it does not fit.
    """

    def __init__(self, path: Path, device: str, precision: str, threads: int) -> None:
        self._device = NetworkDevice(device, "DWPose", threads, precision)
        self._network = self._device.place(fold(loaded(PoseNetwork, path)))

    def __call__(self, pictures: NDArray[np.float32]) -> Lines:
        """Of `(N, 3, 384, 288)` pictures, see `pose.pictures_of`.

        Raises:
            OutOfMemory: they do not fit, not even one by one.
        """
        device = self._device

        def seen(a: int, b: int) -> Lines:
            with torch.inference_mode():
                columns, rows = self._network(device.put(pictures[a:b]))
                return device.fetch(columns), device.fetch(rows)

        parts = device.in_pieces(len(pictures), len(pictures), seen)
        if len(parts) == 1:
            return parts[0]
        import numpy as np

        return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])

    def close(self) -> None:
        """Release the network."""
        del self._network
        self._device.release()
