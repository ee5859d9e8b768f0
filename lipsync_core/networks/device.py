"""The device that a network runs on: can this torch use it, how much fits, what is said when it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lipsync_core.errors import OutOfMemory, PluginUnavailable

__all__ = ["TYPES", "NetworkDevice"]


TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
"""Torch's type of each precision's name."""
_SHARE = 0.5
"""Of the free GPU memory that is taken; the rest is for others."""
_OUT_OF_MEMORY = ("can't allocate memory", "MPS backend out of memory")
Network = TypeVar("Network", bound=nn.Module)
Made = TypeVar("Made")


class NetworkDevice:
    """A device, for the networks of one plugin.

    Args:
        name: "cpu", "cuda", "cuda:1", "mps".
        who: name of the plugin in error messages ("Wav2Lip").
        threads: CPU threads.
        precision: "fp32", "bf16" or "fp16".
        channels_last: the layout in which convolutions of pictures are fastest. On CPUs it rounds more:
            latents of Stable Diffusion's autoencoder in fp32 were off by 1e-3 of their spread, 4e-6 without.

    Raises:
        PluginUnavailable: the torch that is installed cannot use the device.
    """

    def __init__(
        self,
        name: str,
        who: str,
        threads: int,
        precision: str = "fp32",
        *,
        channels_last: bool = True,
    ) -> None:
        self.torch = torch.device(name)
        self.type = TYPES[precision]
        self._who, self._channels_last = who, channels_last
        cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
        if not {"cuda": cuda, "mps": mps}.get(self.torch.type, True):
            raise PluginUnavailable(
                f"{who} cannot run: the torch that is installed here cannot use the GPU.",
                "Install a torch that can, or choose --device cpu.",
            )
        torch.set_num_threads(threads)

    def place(self, network: Network) -> Network:
        """The network here, in its precision and layout.

        Raises:
            OutOfMemory: it does not fit.
        """
        network.eval().requires_grad_(False)
        with self.memory():
            placed = network.to(device=self.torch, dtype=self.type)
            five = any(weight.ndim == 5 for weight in placed.parameters())  # has no such layout
            if five or not self._channels_last:
                return placed
            return placed.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return] # stubs

    def put(self, array: NDArray[np.generic]) -> Tensor:
        """An array here, in the precision; four dimensions in the layout."""
        last = array.ndim == 4 and self._channels_last
        layout = torch.channels_last if last else torch.contiguous_format
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        return tensor.to(device=self.torch, dtype=self.type, memory_format=layout)

    @staticmethod
    def fetch(tensor: Tensor) -> NDArray[np.float32]:
        """The output of a network, as a float32 array."""
        array: NDArray[np.float32] = tensor.float().contiguous().cpu().numpy()
        return array

    @contextmanager
    def memory(self) -> Iterator[None]:
        """Translate torch's out-of-memory errors into the engine's.

        Raises:
            OutOfMemory: instead of them.
        """
        try:
            yield
        except torch.OutOfMemoryError as error:
            raise OutOfMemory(
                f"{self._who} ran out of GPU memory.", "Choose --device cpu."
            ) from error
        except (MemoryError, RuntimeError) as error:
            # Neither the CPU's allocator nor that of Apple's GPUs has a class of its own.
            if isinstance(error, RuntimeError) and not any(w in str(error) for w in _OUT_OF_MEMORY):
                raise
            raise OutOfMemory(f"{self._who} ran out of memory.", "Close other programs.") from error

    def in_pieces(self, count: int, step: int, run: Callable[[int, int], Made]) -> list[Made]:
        """`run(a, b)` over 0..count in pieces of `step`, half as large each time memory runs out.

        Raises:
            OutOfMemory: a piece of one does not fit.
        """
        made: list[Made] = []
        a = 0
        while a < count:
            b = min(count, a + step)
            try:
                with self.memory():
                    made.append(run(a, b))
            except OutOfMemory:
                if b - a == 1:
                    raise
                step = (b - a) // 2
                self.release()
                continue
            a = b
        return made

    def fitting(self, bytes_each: int, on_cpu: int) -> int:
        """How many items to compute at a time: on a GPU what its free memory holds, else `on_cpu`.

        Args:
            bytes_each: a cautious bound of what one item needs while it is computed.
            on_cpu: what a CPU's cache likes.
        """
        if self.torch.type != "cuda":
            return on_cpu
        free, _ = torch.cuda.mem_get_info(self.torch)
        return max(1, int(free * _SHARE) // bytes_each)

    def release(self) -> None:
        """Release the GPU memory that torch caches; call it after releasing the networks."""
        if self.torch.type == "cuda":
            torch.cuda.empty_cache()
        elif self.torch.type == "mps":
            torch.mps.empty_cache()
