"""MuseTalk's UNet and the SD autoencoder as diffusers models, from the files that upstream's users have."""

from __future__ import annotations

import json
import logging
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

# From the modules themselves: the package's face would look for transformers and more.
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL  # type: ignore[import-not-found,unused-ignore]
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel  # type: ignore[import-not-found,unused-ignore]

from lipsync_core.errors import PluginUnavailable
from lipsync_core.weights import state_dict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_IN_CHANNELS = 8
"""Latents of the hidden and of the whole face."""
_AUDIO_WIDTH = 384
_OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
"""Names in files of 2022 and what diffusers calls the same since."""


def load_unet(config: Path, weights: Path) -> UNet2DConditionModel:
    """The UNet on the CPU, in the file's own precision; numbers stay in the file until they are used.

    Args:
        config: `musetalk.json`, which says how it is built.
        weights: `unet.pth` of version 1.5 or `pytorch_model.bin` of 1.0.

    Raises:
        PluginUnavailable: a file is damaged or another network's.
    """
    told = _settings(config)
    built = _built(UNet2DConditionModel, told, config)
    if (built.config.in_channels, built.config.cross_attention_dim) != (_IN_CHANNELS, _AUDIO_WIDTH):
        raise PluginUnavailable(
            f"{config} is not MuseTalk's: its UNet takes {built.config.in_channels} channels and features of "
            f"{built.config.cross_attention_dim}, MuseTalk's takes {_IN_CHANNELS} and {_AUDIO_WIDTH}.",
            "Put the musetalk.json beside the weights that it was published with.",
        )
    filled: UNet2DConditionModel = _filled(built, state_dict.read(weights), weights)
    return filled


def load_vae(config: Path, weights: Path) -> AutoencoderKL:
    """The autoencoder on the CPU, from a file with the old or the new names of its attention.

    Raises:
        PluginUnavailable: a file is damaged or another network's.
    """
    built = _built(AutoencoderKL, _settings(config), config)
    filled: AutoencoderKL = _filled(built, current_names(state_dict.read(weights)), weights)
    return filled


def current_names(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """An autoencoder's tensors under the names that diffusers has used since 2023."""
    renamed = {}
    for name, tensor in tensors.items():
        old = re.fullmatch(r"(.+\.attentions\.\d+)\.(query|key|value|proj_attn)\.(\w+)", name)
        if old is None:
            renamed[name] = tensor
            continue
        # The earliest files hold 1x1 convolutions there.
        flat = tensor[:, :, 0, 0] if tensor.ndim == 4 else tensor
        renamed[f"{old[1]}.{_OLD_ATTENTION[old[2]]}.{old[3]}"] = flat
    return renamed


def _settings(path: Path) -> dict[str, Any]:
    """A model's configuration as published."""
    try:
        told = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise PluginUnavailable(
            f"The file {path} cannot be read: {error}.",
            "Get it anew: lipsync weights pull musetalk.",
        ) from None
    if not isinstance(told, dict):
        raise PluginUnavailable(
            f"The file {path} is no configuration of a model.",
            "Get it anew: lipsync weights pull musetalk.",
        )
    return told


def _built(kind: Any, told: dict[str, Any], path: Path) -> Any:  # noqa: ANN401 - diffusers' classes
    """A model without numbers."""
    try:
        with quietly(), torch.device("meta"):
            return kind.from_config(told)
    except (TypeError, ValueError, NotImplementedError, KeyError, IndexError) as error:
        raise PluginUnavailable(
            f"The file {path} describes no {kind.__name__}: {error}.",
            "Get it anew: lipsync weights pull musetalk.",
        ) from None


@contextmanager
def quietly() -> Iterator[None]:
    """Without diffusers' warnings of settings that it does not know, and of a cast, which are no matter."""
    logger = logging.getLogger("diffusers")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _filled(model: Any, tensors: Mapping[str, torch.Tensor], path: Path) -> Any:  # noqa: ANN401
    """The model with its numbers, ready to be used."""
    # The file's own precision, so that the numbers can stay mapped: `load` would widen half precision.
    first = next((t for t in tensors.values() if t.is_floating_point()), None)
    if first is not None:
        torch.nn.Module.to(model, first.dtype)
    state_dict.load(model, tensors, path)
    return model.eval().requires_grad_(False)
