"""MuseTalk's UNet and the SD autoencoder as diffusers models, from the files that upstream's users have."""

from __future__ import annotations

from typing import TYPE_CHECKING

# From the modules themselves: the package's face would look for transformers and more.
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL  # type: ignore[import-not-found,unused-ignore]
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel  # type: ignore[import-not-found,unused-ignore]

from lipsync_core.errors import PluginUnavailable
from lipsync_core.networks.autoencoder import built, filled, load_autoencoder, settings
from lipsync_core.weights import state_dict

if TYPE_CHECKING:
    from pathlib import Path

_PLUGIN = "musetalk"

_IN_CHANNELS = 8
"""Latents of the hidden and of the whole face."""
_AUDIO_WIDTH = 384


def load_unet(config: Path, weights: Path) -> UNet2DConditionModel:
    """The UNet on the CPU, in the file's own precision; numbers stay in the file until they are used.

    Args:
        config: `musetalk.json`, which says how it is built.
        weights: `unet.pth` of version 1.5 or `pytorch_model.bin` of 1.0.

    Raises:
        PluginUnavailable: a file is damaged or another network's.
    """
    empty = built(UNet2DConditionModel, settings(config, _PLUGIN), config, _PLUGIN)
    if (empty.config.in_channels, empty.config.cross_attention_dim) != (_IN_CHANNELS, _AUDIO_WIDTH):
        raise PluginUnavailable(
            f"{config} is not MuseTalk's: its UNet takes {empty.config.in_channels} channels and features of "
            f"{empty.config.cross_attention_dim}, MuseTalk's takes {_IN_CHANNELS} and {_AUDIO_WIDTH}.",
            "Put the musetalk.json beside the weights that it was published with.",
        )
    made: UNet2DConditionModel = filled(empty, state_dict.read(weights), weights)
    return made


def load_vae(config: Path, weights: Path) -> AutoencoderKL:
    """The autoencoder on the CPU, from a file with the old or the new names of its attention.

    Raises:
        PluginUnavailable: a file is damaged or another network's.
    """
    made: AutoencoderKL = load_autoencoder(config, weights, _PLUGIN)
    return made
