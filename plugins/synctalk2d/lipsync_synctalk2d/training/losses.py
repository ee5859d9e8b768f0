"""What the U-Net is taught by: L1, the perceptual and the sync loss, with the published weights."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lipsync_synctalk2d.training.perceptual import Perceptual
from lipsync_synctalk2d.training.presets import PERCEPTUAL, PUBLISHED_SYNC
from lipsync_synctalk2d.training.syncnet import SyncNetwork, agreement_loss


@dataclass(frozen=True, kw_only=True)
class FaceLoss:
    """The loss of painted pictures.

    Attributes:
        perceptual: None leaves the term out.
        syncnet: trained, frozen; None leaves the term out.
        perceptual_weight: beside L1.
        sync_weight: beside L1.
    """

    perceptual: Perceptual | None = None
    syncnet: SyncNetwork | None = None
    perceptual_weight: float = PERCEPTUAL
    sync_weight: float = PUBLISHED_SYNC

    def __call__(
        self, made: Tensor, truth: Tensor, sound: Tensor, share: float = 1.0
    ) -> dict[str, Tensor]:
        """The terms and their weighted sum, `total`.

        Args:
            made: `(N, 3, side, side)` BGR in 0..1.
            truth: the same.
            sound: `(N, *shape)` features.
            share: of the sync loss's weight that counts now.
        """
        terms = {"l1": (made - truth).abs().mean()}
        total = terms["l1"]
        if self.perceptual is not None:
            terms["perceptual"] = self.perceptual(made, truth)
            total = total + self.perceptual_weight * terms["perceptual"]
        if self.syncnet is not None:
            terms["sync"] = agreement_loss(self.syncnet.agreement(made, sound), 1.0)
            total = total + share * self.sync_weight * terms["sync"]
        return terms | {"total": total}


def pairs_loss(syncnet: SyncNetwork, pictures: Tensor, sound: Tensor, other: Tensor) -> Tensor:
    """SyncNet's loss: pictures with their own sound (1) and with that of another moment (0).

    The published training shows it pairs that fit only, which "always 1" satisfies.
    """
    count = len(pictures)
    cosine = syncnet.agreement(torch.cat([pictures, pictures]), torch.cat([sound, other]))
    fits = torch.cat([torch.ones(count), torch.zeros(count)]).to(cosine)
    return agreement_loss(cosine, fits)
