"""Reads a network's tensors from the files that users have, whatever they are wrapped in; runs no code from them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def read(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint by name, without `module.` prefixes, on the CPU, as they are stored.

    Reads `.safetensors`, a pickled state dict (also nested as `state_dict`, `model`, `generator`, `params`,
    `params_ema`), a pickled module's archive written by TorchScript.

    Raises:
        PluginUnavailable: the file is truncated, is no checkpoint, or wants code to be run.
    """
    raise NotImplementedError


def load(module: torch.nn.Module, tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    """Put `tensors` into `module`: every name, every shape, nothing left over.

    Raises:
        PluginUnavailable: they are another network's; says which names or shapes differ.
    """
    raise NotImplementedError
