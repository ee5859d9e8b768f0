"""A network with the numbers of a weight file, ready to be placed on a device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from lipsync_core.weights import state_dict

__all__ = ["loaded"]


Network = TypeVar("Network", bound=nn.Module)


def loaded(
    make: Callable[[], Network], path: Path, tensors: Mapping[str, Tensor] | None = None
) -> Network:
    """On the CPU, in fp32, in evaluation mode, with nothing to learn.

    Args:
        make: the network's class; it is called where tensors have no numbers, so none are drawn in vain.
        path: the weight file.
        tensors: what is in it under the network's names, where the file has others.

    Raises:
        PluginUnavailable: the file is damaged or holds another network.
    """
    with torch.device("meta"):
        network = make()
    state_dict.load(network, state_dict.read(path) if tensors is None else tensors, path)
    return network.float().eval().requires_grad_(False)
