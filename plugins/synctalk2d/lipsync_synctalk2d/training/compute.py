"""Where and in which precision a training computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import torch

from lipsync_core.errors import UsageError
from lipsync_core.machine import hardware
from lipsync_core.networks.device import TYPES, NetworkDevice

if TYPE_CHECKING:
    from torch import Tensor, nn

    from lipsync_synctalk2d.training.items import Batch

Network = TypeVar("Network", bound="nn.Module")


class Compute:
    """A device and a precision; networks stay in fp32, what they compute may be shorter.

    Args:
        device: "cpu", "cuda", "cuda:1".
        precision: "auto", "fp32", "bf16", and "fp16" on a GPU.
        threads: CPU threads.

    Raises:
        UsageError: a precision that the device has not.
        PluginUnavailable: this torch cannot use the device.
    """

    def __init__(self, device: str, precision: str, threads: int) -> None:
        self._device = NetworkDevice(device, "Training", threads)
        self.device = self._device.torch
        self.name = _precision(self.device.type, precision)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.name == "fp16")

    def place(self, network: Network) -> Network:
        """A network here, ready to be taught."""
        with self.memory():
            return network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return] # stubs

    def placed(self, batch: Batch) -> Batch:
        """A batch here."""
        names = ("pictures", "truth", "sound", "other")
        return replace(batch, **{name: self.put(getattr(batch, name)) for name in names})

    def put(self, tensor: Tensor) -> Tensor:
        """A tensor here, in the layout that convolutions like."""
        return tensor.to(self.device, memory_format=torch.channels_last, non_blocking=True)

    def precision(self) -> AbstractContextManager[None]:
        """In which a network computes in precision."""
        return torch.autocast(self.device.type, TYPES[self.name], enabled=self.name != "fp32")

    def teach(self, loss: Tensor, optimiser: torch.optim.Optimizer) -> None:
        """One step down."""
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call] # stubs
        self.scaler.step(optimiser)
        self.scaler.update()

    @contextmanager
    def memory(self) -> Iterator[None]:
        """Torch's ways to say that memory ran out, as one error.

        Raises:
            OutOfMemory: instead of them; its hint names what takes less.
        """
        from lipsync_core.errors import OutOfMemory

        try:
            with self._device.memory():
                yield
        except OutOfMemory as error:
            raise OutOfMemory(
                error.message, "Train with --preset low_memory, or with a smaller --batch."
            ) from error


def _precision(kind: str, asked: str) -> str:
    able = ("fp32", "bf16", "fp16") if kind == "cuda" else ("fp32", "bf16")
    if asked in able:
        return asked
    if asked != "auto":
        raise UsageError(
            f"Training in {asked} is not possible on {kind}.",
            f"Choose --precision {' or '.join(able)}.",
        )
    if kind == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return "bf16" if hardware.detect().bf16 else "fp32"
