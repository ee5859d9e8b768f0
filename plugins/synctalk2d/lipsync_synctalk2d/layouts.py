"""What a person's checkpoint holds, by its content: size, kind of sound, whose layout. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from lipsync_core.errors import PluginUnavailable

Sound = Literal["ave", "hubert", "wenet", "mel", "viseme"]
Leaf = TypeVar("Leaf")

_PLANES: dict[int, tuple[Sound, tuple[int, int, int], str]] = {
    32: ("ave", (32, 16, 16), "SyncTalk_2D"),  # or HuBERT: the numbers do not tell
    256: ("wenet", (256, 16, 32), "SyncTalk_2D"),
    16: ("hubert", (16, 32, 32), "Ultralight"),
    128: ("wenet", (128, 16, 32), "Ultralight"),
    20: ("mel", (20, 16, 16), "lipsync"),
    23: ("viseme", (23, 16, 1), "lipsync"),
}
"""By the channels of the sound: 16 frames of features for SyncTalk_2D, 8 for Ultralight; ours in `around`."""
_LAST_WIDTH = {320: 16, 160: 32}
"""Channels before the last layer of the published networks."""
THINNESS = (1, 2, 4, 8)
_FIRST = "audio_model.conv1.conv.0.weight"
_LAST_DOWN = "down5.maxpool_conv.0.double_conv.0.conv.0.weight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a network is made for.

    Attributes:
        side: 320 or 160, the width and height of its pictures.
        sound: its audio features.
        shape: shape of the features of one frame.
        project: who trains such networks.
        thin: all numbers of channels are divided by this; 1 is published.
    """

    side: Literal[320, 160]
    sound: Sound
    shape: tuple[int, int, int]
    project: str
    thin: int = 1


HUBERT_PLANES = (32, 32, 32)
"""SyncTalk_2D's networks for HuBERT have the tensors of those for AVE; only the folder's features tell."""


def encoder_for(layout: Layout) -> str:
    """Name of the audio encoder whose rows a network takes."""
    if layout.sound == "ave":
        return "synctalk2d"
    owner = "ultralight" if layout.project == "Ultralight" else "synctalk2d"
    return f"{owner}-{layout.sound}"


def layout_of(shapes: Mapping[str, Sequence[int]]) -> Layout | None:
    """What a checkpoint with tensors of these names (`named`) and shapes is; None for something else.

    A SyncTalk_2D network for HuBERT has the same names and shapes as one for AVE and is taken for that.
    """
    first = shapes.get(_FIRST)
    if (
        first is None
        or len(first) != 4
        or first[1] not in _PLANES
        or "outc.conv.weight" not in shapes
    ):
        return None
    sound, shape, project = _PLANES[first[1]]
    side: Literal[320, 160] = 320 if _LAST_DOWN in shapes else 160
    last = shapes["outc.conv.weight"]
    thin = _LAST_WIDTH[side] // last[1] if len(last) == 4 and last[1] else 0
    if thin not in THINNESS:
        return None
    return Layout(side=side, sound=sound, shape=shape, project=project, thin=thin)


def layout_for(side: Literal[320, 160], sound: Sound, thin: int = 1) -> Layout:
    """The layout that a new person is trained with."""
    found = {kind: (shape, project) for kind, shape, project in reversed(_PLANES.values())}
    shape, project = (HUBERT_PLANES, "SyncTalk_2D") if sound == "hubert" else found[sound]
    return Layout(side=side, sound=sound, shape=shape, project=project, thin=thin)


def named(tensors: Mapping[str, Leaf]) -> dict[str, Leaf]:
    """The tensors under SyncTalk_2D's names; Ultralight's lack a level in some blocks."""
    renamed: dict[str, Leaf] = {}
    for name, tensor in tensors.items():
        new = name.replace("inc.inconv.conv.", "inc.inconv.0.conv.")
        new = new.replace(".maxpool_conv.double_conv.", ".maxpool_conv.0.double_conv.")
        renamed[new] = tensor
    return renamed


def refused(path: object) -> PluginUnavailable:
    """The error for a file that holds something else."""
    return PluginUnavailable(
        f"The weight file {path} is not a person's network from SyncTalk_2D or Ultralight.",
        "Choose a file that their training wrote: checkpoint/NAME/N.pth.",
    )
