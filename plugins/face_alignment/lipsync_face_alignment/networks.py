"""The package's two networks, filled from files of the user; nothing is ever downloaded.

Only the network classes of `face_alignment` are used. Its `FaceAlignment` and detector classes, which fetch
weights when they are made, are not.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from face_alignment.detection.sfd.net_s3fd import s3fd  # type: ignore[import-untyped,import-not-found,unused-ignore]
from face_alignment.models.fan import FAN  # type: ignore[import-untyped,import-not-found,unused-ignore]

from lipsync_core.errors import OutOfMemory, PluginFault
from lipsync_core.networks.device import NetworkDevice
from lipsync_core.networks.loading import loaded

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MEANS = (104.0, 117.0, 123.0)
"""Subtracted from blue, green and red: S3FD was trained on BGR (Caffe's means of ImageNet)."""
_SMALLEST = 64
"""Shorter sides are filled up to this: the sixth scale needs a picture to look at."""
_STACKS = 4
"""Hourglasses of 2DFAN-4."""
_BYTES_PER_PIXEL = 1400
"""Of S3FD's first layers at their fullest, in float32: 64 channels before and after, and the pooled third."""
_CPU_BYTES = 2 * 2**30
"""For one batch on a CPU, which suits a common computer; a smaller one has its batches halved."""
_CROPS_AT_ONCE = 16


class BoxNetwork:
    """S3FD.

    Args:
        path: its weights.
        device: where it runs, in fp32 or bf16: fp16 would overflow in its L2 norms.

    Raises:
        PluginUnavailable: the file is another network's, or damaged.
    """

    def __init__(self, path: Path, device: NetworkDevice) -> None:
        self._device = device
        self._network = device.place(loaded(s3fd, path))

    def __call__(self, images: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Scores and regressions of six scales in turn, for `(N, H, W, 3)` RGB.

        Raises:
            OutOfMemory: not even one picture fits.
        """
        step = self._fitting(images.shape[1] * images.shape[2])
        try:
            parts = self._device.in_pieces(len(images), step, lambda a, b: self._run(images[a:b]))
        except OutOfMemory as error:
            raise OutOfMemory(
                "The detector face-alignment ran out of memory on a single picture.",
                "Give --option face-alignment.limit a smaller number, or leave --detector out.",
            ) from error
        return [np.concatenate(scale) for scale in zip(*parts, strict=True)]

    def raw(self, batch: torch.Tensor) -> list[torch.Tensor]:
        """The network's outputs for `(N, 3, H, W)`, channels in the order and range that it wants."""
        given = batch.to(self._device.torch, self._device.type, memory_format=torch.channels_last)
        with torch.inference_mode():
            outputs: list[torch.Tensor] = self._network(given)
        return outputs

    def _run(self, images: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        batch = torch.from_numpy(np.ascontiguousarray(images)).to(self._device.torch)
        batch = batch.permute(0, 3, 1, 2).flip(1).to(torch.float32)
        batch = batch - torch.tensor(_MEANS, device=self._device.torch).view(1, 3, 1, 1)
        h, w = batch.shape[2:]
        missing = (0, max(0, _SMALLEST - w), 0, max(0, _SMALLEST - h))
        if any(missing):
            batch = torch.nn.functional.pad(batch, missing)
        return [self._device.fetch(output) for output in self.raw(batch)]

    def _fitting(self, pixels: int) -> int:
        """How many pictures of that many pixels fit into the free memory."""
        each = max(pixels, _SMALLEST**2) * _BYTES_PER_PIXEL
        return self._device.fitting(each, on_cpu=max(1, _CPU_BYTES // each))


class LandmarkNetwork:
    """FAN with four hourglasses.

    Args:
        path: its weights: a state dict, or a TorchScript archive, whose code is not run.
        device: where it runs.

    Raises:
        PluginUnavailable: the file is another network's, or damaged.
    """

    def __init__(self, path: Path, device: NetworkDevice) -> None:
        self._device = device
        self._network = device.place(loaded(partial(FAN, _STACKS), path))

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Heatmaps `(N, 68, 64, 64)` for crops `(N, 256, 256, 3)` RGB.

        Raises:
            OutOfMemory: not even one crop fits.
            PluginFault: the heatmaps hold NaN or infinity, as may happen in fp16.
        """
        return np.concatenate(
            self._device.in_pieces(len(crops), _CROPS_AT_ONCE, lambda a, b: self._run(crops[a:b]))
        )

    def _run(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        batch = torch.from_numpy(np.ascontiguousarray(crops)).to(self._device.torch)
        batch = batch.permute(0, 3, 1, 2).to(torch.float32) / 255.0
        given = batch.to(self._device.type, memory_format=torch.channels_last)
        with torch.inference_mode():
            heatmaps: torch.Tensor = self._network(given)[-1]
        made = self._device.fetch(heatmaps)
        if not np.isfinite(made).all():
            raise PluginFault(
                "The detector face-alignment gave heatmaps that are no numbers.",
                "Choose --precision fp32 or bf16; if it happens there too, fetch the weights again.",
            )
        return made
