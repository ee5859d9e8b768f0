"""LatentSync's UNet from the file that upstream's users have; another model's is named, never half loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from lipsync_core.errors import PluginUnavailable
from lipsync_core.weights import state_dict
from lipsync_latentsync.motion import GROUPS
from lipsync_latentsync.unet import IN_CHANNELS, LatentSyncUNet, Shape

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_AUDIO = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight"
_WIDTHS = tuple(f"down_blocks.{n}.resnets.0.conv1.weight" for n in range(4))
_TINY = 384
"""Numbers in a row of Whisper tiny; Whisper small's have 768."""


def load_unet(path: Path) -> LatentSyncUNet:
    """The UNet on the CPU, in the file's own precision; numbers stay in the file until they are used.

    Upstream's loader drops what does not fit and leaves what is missing at random. Here every tensor must be
    there in its shape. How wide the network is, the tensors tell.

    Raises:
        PluginUnavailable: the file is damaged, is LatentSync 1.0's, was trained with another Whisper, or is
            another network's.
    """
    tensors = state_dict.read(path)
    with torch.device("meta"):
        network = LatentSyncUNet(shape_of(tensors, path))
    # The file's own precision, so that the numbers can stay mapped.
    network = network.to(tensors["conv_in.weight"].dtype)
    state_dict.load(network, tensors, path)
    return network.eval().requires_grad_(False)


def shape_of(tensors: Mapping[str, torch.Tensor], path: Path) -> Shape:
    """Widths of the UNet that these tensors belong to.

    Raises:
        PluginUnavailable: they are another network's.
    """
    needed = ("conv_in.weight", _AUDIO, *_WIDTHS)
    if any(name not in tensors or tensors[name].ndim < 2 for name in needed):
        raise _refused(path, "it holds none of the layers that LatentSync's UNet begins with")
    channels, audio = tensors["conv_in.weight"].shape[1], tensors[_AUDIO].shape[1]
    if channels != IN_CHANNELS:
        raise _refused(
            path, f"its UNet takes {channels} channels, LatentSync's takes {IN_CHANNELS}"
        )
    if audio != _TINY:
        raise _refused(
            path,
            f"it was trained with audio features of {audio} numbers, Whisper tiny's have {_TINY}",
        )
    if not any(".motion_modules." in name for name in tensors):
        raise _refused(path, "it has no motion modules, as LatentSync 1.0 has none")
    widths = tuple(int(tensors[name].shape[0]) for name in _WIDTHS)
    if any(width == 0 or width % GROUPS for width in widths):
        raise _refused(path, f"its blocks are {', '.join(map(str, widths))} channels wide")
    return Shape(widths, audio)  # type: ignore[arg-type] # four names, four widths


def _refused(path: Path, why: str) -> PluginUnavailable:
    return PluginUnavailable(
        f"The weight file {path} is not the UNet of LatentSync 1.5 or 1.6: {why}.",
        "Get latentsync_unet.pt anew: lipsync weights pull latentsync (1.6) or latentsync15 (1.5).",
    )
