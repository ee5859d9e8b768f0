"""The two phases of a training: SyncNet learns which sound fits a picture, then the U-Net learns to paint."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from lipsync_synctalk2d.training.judging import judge_faces, judge_pairs
from lipsync_synctalk2d.training.losses import FaceLoss, pairs_loss
from lipsync_synctalk2d.training.presets import LAST, RATE, STEADY, SYNC_FROM, SYNC_FULL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_synctalk2d.network import FaceNetwork
    from lipsync_synctalk2d.training.compute import Compute
    from lipsync_synctalk2d.training.dataset import Dataset
    from lipsync_synctalk2d.training.items import Batch, Batches
    from lipsync_synctalk2d.training.syncnet import SyncNetwork


def rate_at(epoch: int, epochs: int) -> float:
    """Adam's rate: steady, then falling in a straight line to its last share."""
    begin = round(STEADY * epochs)
    if epoch < begin or epochs <= 1:
        return RATE
    return RATE * (1 - (1 - LAST) * (epoch - begin + 1) / max(1, epochs - begin))


def sync_share(epoch: int, epochs: int) -> float:
    """Of the sync loss's weight: nothing at first, then more and more."""
    return min(1.0, max(0.0, (epoch / epochs - SYNC_FROM) / (SYNC_FULL - SYNC_FROM)))


class Phase(ABC):
    """A network that is being taught.

    Args:
        network: on the device.
        batches: steps of an epoch.
        dataset: what is judged on.
        held: which moments of it.
        epochs: how many.
        compute: device and precision.
    """

    name: ClassVar[str]

    def __init__(
        self,
        network: nn.Module,
        batches: Batches,
        dataset: Dataset,
        held: NDArray[Any],
        epochs: int,
        compute: Compute,
    ) -> None:
        self.network, self.epochs, self.steps = network, epochs, batches.steps
        self._batches, self._dataset, self._held, self._compute = batches, dataset, held, compute
        self._optimiser = torch.optim.Adam(network.parameters(), RATE)

    def step(self, epoch: int, number: int) -> dict[str, float]:
        """Teach one batch; its losses."""
        for group in self._optimiser.param_groups:
            group["lr"] = rate_at(epoch, self.epochs)
        self.network.train()
        batch = self._compute.placed(self._batches.at(self.name, epoch, number))
        # The published loops never clear gradients, so that every step drags all earlier ones along.
        self._optimiser.zero_grad(set_to_none=True)
        with self._compute.memory():
            losses = self._losses(batch, epoch)
            self._compute.teach(losses["total"], self._optimiser)
        return {name: float(value.detach()) for name, value in losses.items()}

    @abstractmethod
    def _losses(self, batch: Batch, epoch: int) -> dict[str, torch.Tensor]:
        """With the one that counts as `total`."""

    @abstractmethod
    def judge(self) -> dict[str, float]:
        """Figures on what is held out."""

    def numbers(self) -> dict[str, Any]:
        """All that a checkpoint must hold."""
        return {
            "model": self.network.state_dict(),
            "optimizer": self._optimiser.state_dict(),
            "scaler": self._compute.scaler.state_dict(),
        }

    def restore(self, numbers: dict[str, Any]) -> None:
        """Take on what `numbers` gave."""
        self.network.load_state_dict(numbers["model"])
        self._optimiser.load_state_dict(numbers["optimizer"])
        if numbers["scaler"]:
            self._compute.scaler.load_state_dict(numbers["scaler"])


class SyncPhase(Phase):
    """SyncNet."""

    name = "syncnet"
    network: SyncNetwork

    def _losses(self, batch: Batch, epoch: int) -> dict[str, torch.Tensor]:
        with self._compute.precision():
            return {"total": pairs_loss(self.network, batch.truth, batch.sound, batch.other)}

    def judge(self) -> dict[str, float]:
        """Share of held-out pictures that fit their own sound better than another."""
        return judge_pairs(self.network, self._dataset, self._held, self._compute)


class FacePhase(Phase):
    """The U-Net.

    Attributes:
        loss: with or without its optional terms.
    """

    name = "face"
    network: FaceNetwork

    def __init__(
        self,
        network: nn.Module,
        batches: Batches,
        dataset: Dataset,
        held: NDArray[Any],
        epochs: int,
        compute: Compute,
        loss: FaceLoss,
    ) -> None:
        super().__init__(network, batches, dataset, held, epochs, compute)
        self.loss = loss

    def _losses(self, batch: Batch, epoch: int) -> dict[str, torch.Tensor]:
        with self._compute.precision():
            made = self.network(batch.pictures, batch.sound).float()
            share = sync_share(epoch, self.epochs)
            return self.loss(made, batch.truth, batch.sound, share)

    def judge(self) -> dict[str, float]:
        """Mouth error on what is held out, beside that of copying, and with other sound."""
        return judge_faces(self.network, self._dataset, self._held, self._compute)
