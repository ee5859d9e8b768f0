"""The face network in PyTorch: BatchNorm folded, channels last, in the precision that was chosen."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from lipsync_core.errors import OutOfMemory, PluginUnavailable
from lipsync_core.weights import state_dict
from lipsync_wav2lip.layers import fold
from lipsync_wav2lip.network import FaceNetwork
from lipsync_wav2lip.runtime import CPU_BATCH

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_FRAME_BYTES = 64 * 2**20
"""A cautious bound of what one frame needs while it is computed: its largest layers hold 160 channels of
96x96 numbers, some 6 MB each in fp32, and convolutions want room to work."""
_SHARE = 0.5
"""Of the free GPU memory; the rest is for others."""


class TorchRuntime:
    """See `runtime.FaceRuntime`.

    Args:
        checkpoint: a published file, or one with the same tensors.
        device: "cpu", "cuda", "cuda:1".
        precision: "fp32", "bf16" or "fp16".
        threads: CPU threads.

    Raises:
        PluginUnavailable: the file is damaged or holds another network; this torch cannot use the device.
        OutOfMemory: the network does not fit on the device.
    """

    def __init__(self, checkpoint: Path, device: str, precision: str, threads: int) -> None:
        self._device = torch.device(device)
        if self._device.type == "cuda" and not torch.cuda.is_available():
            raise PluginUnavailable(
                "Wav2Lip cannot run: the torch that is installed here cannot use the GPU.",
                "Install a torch with CUDA, or choose --device cpu.",
            )
        torch.set_num_threads(threads)
        self._type = TYPES[precision]
        with _memory_errors():
            network = folded(checkpoint).to(device=self._device, dtype=self._type)
            self._network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # stubs
        self.batch = self._fitting()

    def run(self, mel: NDArray[np.float32], faces: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `runtime.FaceRuntime.run`."""
        with _memory_errors(), torch.inference_mode():
            made: torch.Tensor = self._network(self._put(mel), self._put(faces))
            result: NDArray[np.float32] = made.float().contiguous().cpu().numpy()
        return result

    def close(self) -> None:
        """See `runtime.FaceRuntime.close`; torch would keep a GPU's memory for itself."""
        del self._network
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _put(self, array: NDArray[np.float32]) -> torch.Tensor:
        return torch.from_numpy(array).to(
            device=self._device, dtype=self._type, memory_format=torch.channels_last
        )

    def _fitting(self) -> int:
        """Frames at a time: on a GPU what its free memory holds, on a CPU what its cache likes."""
        if self._device.type != "cuda":
            return CPU_BATCH
        free, _ = torch.cuda.mem_get_info(self._device)
        return max(1, int(free * _SHARE) // _FRAME_BYTES)


def folded(checkpoint: Path) -> FaceNetwork:
    """The network of a checkpoint on the CPU in fp32, ready to be used.

    Raises:
        PluginUnavailable: the file is damaged or holds another network.
    """
    with torch.device("meta"):
        network = FaceNetwork()
    state_dict.load(network, state_dict.read(checkpoint), checkpoint)
    network.float().eval().requires_grad_(False)
    fold(network)
    return network


@contextmanager
def _memory_errors() -> Iterator[None]:
    """Torch's ways to say that memory ran out, as the engine's."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfMemory("Wav2Lip ran out of GPU memory.", "Choose --device cpu.") from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):  # the CPU allocator has no class of its own
            raise
        raise OutOfMemory("Wav2Lip ran out of memory.", "Close other programs.") from error
