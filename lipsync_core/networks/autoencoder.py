"""Stable Diffusion's autoencoder for plugins that paint in its latents, from the files that users have.

With it, what loading any of diffusers' models takes. Wants torch and diffusers.
"""

from __future__ import annotations

import json
import logging
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

# From the module itself: the package's face would look for transformers and more.
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL  # type: ignore[import-not-found,unused-ignore]

from lipsync_core.errors import PluginUnavailable
from lipsync_core.weights import state_dict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["built", "filled", "load_autoencoder", "quietly", "settings"]


_OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
"""Names in files of 2022 and what diffusers calls the same since."""


def load_autoencoder(config: Path, weights: Path, plugin: str) -> AutoencoderKL:
    """The autoencoder on the CPU, from a file with the old or the new names of its attention.

    Args:
        config: its `config.json`.
        weights: its tensors, in any wrapping.
        plugin: whose files they are, for what is said of them.

    Raises:
        PluginUnavailable: a file is damaged or another network's.
    """
    model = built(AutoencoderKL, settings(config, plugin), config, plugin)
    made: AutoencoderKL = filled(model, current_names(state_dict.read(weights)), weights)
    return made


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


def settings(path: Path, plugin: str) -> dict[str, Any]:
    """A model's configuration as published.

    Raises:
        PluginUnavailable: the file cannot be read, or is none.
    """
    try:
        told = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise PluginUnavailable(
            f"The file {path} cannot be read: {error}.", _anew(plugin)
        ) from None
    if not isinstance(told, dict):
        raise PluginUnavailable(f"The file {path} is no configuration of a model.", _anew(plugin))
    return told


def built(kind: Any, told: dict[str, Any], path: Path, plugin: str) -> Any:  # noqa: ANN401 - diffusers
    """A diffusers model without allocated weights.

    Raises:
        PluginUnavailable: the configuration, from `path`, describes none of this kind.
    """
    try:
        with quietly(), torch.device("meta"):
            return kind.from_config(told)
    except (TypeError, ValueError, NotImplementedError, KeyError, IndexError) as error:
        raise PluginUnavailable(
            f"The file {path} describes no {kind.__name__}: {error}.", _anew(plugin)
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


def filled(model: Any, tensors: Mapping[str, torch.Tensor], path: Path) -> Any:  # noqa: ANN401 - diffusers
    """The model with its numbers, ready to be used, in the file's own precision.

    Raises:
        PluginUnavailable: they are another network's.
    """
    # So the numbers can stay mapped: `load` would widen half precision.
    first = next((t for t in tensors.values() if t.is_floating_point()), None)
    if first is not None:
        torch.nn.Module.to(model, first.dtype)
    state_dict.load(model, tensors, path)
    return model.eval().requires_grad_(False)


def _anew(plugin: str) -> str:
    return f"Get it anew: lipsync weights pull {plugin}."
