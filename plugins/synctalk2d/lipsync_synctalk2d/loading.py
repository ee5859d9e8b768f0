"""Checkpoints as networks on the CPU in fp32, ready to be used: BatchNorm folded, nothing left to learn."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from lipsync_core.networks.blocks import mel_encoder
from lipsync_core.networks.folding import fold
from lipsync_core.networks.loading import loaded
from lipsync_core.weights import state_dict
from lipsync_synctalk2d.layouts import HUBERT_PLANES, layout_of, named, refused
from lipsync_synctalk2d.network import FaceNetwork

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from lipsync_synctalk2d.layouts import Layout

_PREFIX = "audio_encoder."
"""Some copies of the AVE encoder carry the names that it has inside a larger network."""


def face_network(checkpoint: Path, *, hubert: bool = False) -> tuple[FaceNetwork, Layout]:
    """A person's network, of SyncTalk_2D or Ultralight, and its layout.

    Args:
        checkpoint: the file that the training wrote.
        hubert: a SyncTalk_2D network was trained on HuBERT's features, which its tensors do not tell.

    Raises:
        PluginUnavailable: the file is damaged or holds another network.
    """
    tensors = named(state_dict.read(checkpoint))
    layout = layout_of({name: tuple(tensor.shape) for name, tensor in tensors.items()})
    if layout is None:
        raise refused(checkpoint)
    if hubert and layout.sound == "ave":
        layout = replace(layout, sound="hubert", shape=HUBERT_PLANES)
    return fold(loaded(partial(FaceNetwork, layout), checkpoint, tensors)), layout


def audio_network(checkpoint: Path) -> nn.Sequential:
    """The AVE audio encoder, whose blocks are those of Wav2Lip's: `(N, 1, 80, 16)` -> `(N, 512, 1, 1)`.

    Raises:
        PluginUnavailable: the file is damaged or holds another network.
    """
    tensors = state_dict.read(checkpoint)
    plain = {name.removeprefix(_PREFIX): tensor for name, tensor in tensors.items()}
    return fold(loaded(mel_encoder, checkpoint, plain))
