"""The package's two networks, filled from files of the user; nothing is ever downloaded.

Only the network classes of `face_alignment` are used. Its `FaceAlignment` and detector classes, which fetch
weights when they are made, are not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from face_alignment.detection.sfd.net_s3fd import s3fd  # type: ignore[import-untyped,import-not-found,unused-ignore]
from face_alignment.models.fan import FAN  # type: ignore[import-untyped,import-not-found,unused-ignore]

from lipsync_core.errors import OutOfMemory, PluginFault, PluginUnavailable
from lipsync_core.weights import state_dict

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
_SHARE = 0.25
"""Of the memory that is there, for one batch."""
_CROPS_AT_ONCE = 16
T = TypeVar("T")


class BoxNetwork:
    """S3FD.

    Args:
        path: its weights.
        device: where it runs.
        precision: "fp32", or "bf16". fp16 would overflow in its L2 norms, so it stays at fp32 there.

    Raises:
        PluginUnavailable: the file is another network's, or damaged.
    """

    def __init__(self, path: Path, device: str, precision: str) -> None:
        self._device = torch.device(device)
        self._type = torch.bfloat16 if precision == "bf16" else torch.float32
        with torch.device("meta"):
            network = s3fd()
        state_dict.load(network, state_dict.read(path), path)
        self._network = network.eval().to(self._device, self._type)
        _by_channels(self._network)

    def __call__(self, images: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Scores and regressions of six scales in turn, for `(N, H, W, 3)` RGB.

        Raises:
            OutOfMemory: not even one picture fits.
        """
        step = self._fitting(images.shape[1] * images.shape[2])
        parts = halving(len(images), step, lambda a, b: self._run(images[a:b]))
        return [np.concatenate(scale) for scale in zip(*parts, strict=True)]

    def raw(self, batch: torch.Tensor) -> list[torch.Tensor]:
        """The network's outputs for `(N, 3, H, W)`, channels in the order and range that it wants."""
        given = batch.to(self._device, self._type, memory_format=torch.channels_last)
        with torch.inference_mode():
            outputs: list[torch.Tensor] = self._network(given)
        return outputs

    def _run(self, images: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        batch = torch.from_numpy(np.ascontiguousarray(images)).to(self._device)
        batch = batch.permute(0, 3, 1, 2).flip(1).to(torch.float32)
        batch = batch - torch.tensor(_MEANS, device=self._device).view(1, 3, 1, 1)
        h, w = batch.shape[2:]
        missing = (0, max(0, _SMALLEST - w), 0, max(0, _SMALLEST - h))
        if any(missing):
            batch = torch.nn.functional.pad(batch, missing)
        return [output.float().cpu().numpy() for output in self.raw(batch)]

    def _fitting(self, pixels: int) -> int:
        """Pictures of so many pixels that fit into a share of the memory that is there."""
        if self._device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(self._device)
        else:
            free = 8 * 2**30  # of a common computer; halving comes to the rescue of smaller ones
        return max(1, int(free * _SHARE) // (max(pixels, _SMALLEST**2) * _BYTES_PER_PIXEL))


class LandmarkNetwork:
    """FAN with four hourglasses.

    Args:
        path: its weights: a state dict, or a TorchScript archive, whose code is not run.
        device: where it runs.
        precision: "fp32", "bf16" or "fp16".

    Raises:
        PluginUnavailable: the file is another network's, or damaged.
    """

    def __init__(self, path: Path, device: str, precision: str) -> None:
        types = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
        self._device = torch.device(device)
        self._type = types[precision]
        with torch.device("meta"):
            network = FAN(_STACKS)
        state_dict.load(network, state_dict.read(path), path)
        self._network = network.eval().to(self._device, self._type)
        _by_channels(self._network)

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Heatmaps `(N, 68, 64, 64)` for crops `(N, 256, 256, 3)` RGB.

        Raises:
            OutOfMemory: not even one crop fits.
            PluginFault: the heatmaps hold NaN or infinity, as may happen in fp16.
        """
        return np.concatenate(
            halving(len(crops), _CROPS_AT_ONCE, lambda a, b: self._run(crops[a:b]))
        )

    def _run(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        batch = torch.from_numpy(np.ascontiguousarray(crops)).to(self._device)
        batch = batch.permute(0, 3, 1, 2).to(torch.float32) / 255.0
        given = batch.to(self._type, memory_format=torch.channels_last)
        with torch.inference_mode():
            heatmaps: torch.Tensor = self._network(given)[-1]
        made = np.asarray(heatmaps.float().cpu().numpy(), np.float32)
        if not np.isfinite(made).all():
            raise PluginFault(
                "The detector face-alignment gave heatmaps that are no numbers.",
                "Choose --precision fp32 or bf16; if it happens there too, fetch the weights again.",
            )
        return made


def _by_channels(network: torch.nn.Module) -> None:
    """Weights in the memory format that convolutions like best, on CPUs and on GPUs in half precision."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # missing in the stubs


def ready(device: str, threads: int) -> None:
    """Let torch use so many CPU threads, and see that it can use the device.

    Raises:
        PluginUnavailable: it cannot.
    """
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise PluginUnavailable(
            "The detector face-alignment cannot run: the torch that is installed here cannot use the GPU.",
            "Install a torch with CUDA, or choose --device cpu.",
        )
    torch.set_num_threads(threads)


def halving(count: int, step: int, run: Callable[[int, int], T]) -> Sequence[T]:
    """`run(a, b)` over 0..count in pieces of `step`, half as large each time memory runs out.

    Raises:
        OutOfMemory: a piece of one does not fit.
    """
    done: list[T] = []
    a = 0
    while a < count:
        b = min(count, a + step)
        try:
            done.append(run(a, b))
        except Exception as error:
            if not _out_of_memory(error):
                raise
            if b - a == 1:
                raise OutOfMemory(
                    "The detector face-alignment ran out of memory on a single picture.",
                    "Give --option face-alignment.limit a smaller number, or leave --detector out.",
                ) from error
            step = max(1, (b - a) // 2)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            continue
        a = b
    return done


def _out_of_memory(error: Any) -> bool:  # noqa: ANN401 - whatever was raised
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )
