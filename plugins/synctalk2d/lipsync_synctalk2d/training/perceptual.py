"""The perceptual loss: how a network that knows photographs (VGG19) sees the difference of two pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn.functional import mse_loss

from lipsync_core.networks.loading import loaded
from lipsync_core.weights import state_dict

if TYPE_CHECKING:
    from pathlib import Path

_PLAN: tuple[int | None, ...] = (64, 64, None, 128, 128, None, 256, 256, 256)
"""Channels of VGG19's convolutions up to the third one of its third stage; None: halved (Simonyan 2014)."""
_PREFIX = "features."


def vgg() -> nn.Sequential:
    """The beginning of VGG19, up to layer 14, without its last ReLU: `(N, 3, h, w)` -> `(N, 256, h/4, w/4)`.

    Names are those below `features` in torchvision's state dict.
    """
    layers: list[nn.Module] = []
    before = 3
    for width in _PLAN:
        if width is None:
            layers.append(nn.MaxPool2d(2))
            continue
        layers += [nn.Conv2d(before, width, 3, 1, 1), nn.ReLU()]
        before = width
    return nn.Sequential(*layers[:-1])


class Perceptual(nn.Module):
    """Mean squared difference of what VGG19 makes of two pictures.

    As published it is shown BGR in 0..1, without ImageNet's normalisation.

    Args:
        network: what `vgg` gives, with its numbers.
    """

    def __init__(self, network: nn.Sequential) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(False)

    def forward(self, made: Tensor, truth: Tensor) -> Tensor:
        """Of `(N, 3, h, w)` BGR in 0..1 each: one number."""
        return mse_loss(self.network(made).float(), self.network(truth).float())


def load_vgg(path: Path) -> nn.Sequential:
    """From torchvision's or timm's file of VGG19.

    Raises:
        PluginUnavailable: the file is damaged or another network's.
    """
    wanted = set(vgg().state_dict())
    tensors = state_dict.read(path)
    kept = {n.removeprefix(_PREFIX): t for n, t in tensors.items() if n.startswith(_PREFIX)}
    return loaded(vgg, path, {name: tensor for name, tensor in kept.items() if name in wanted})
