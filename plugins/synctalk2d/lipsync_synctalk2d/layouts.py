"""What a person's checkpoint holds, by its content: size, kind of sound, whose layout. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from lipsync_core.errors import PluginUnavailable

Sound = Literal["ave", "hubert", "wenet"]
Leaf = TypeVar("Leaf")

_PLANES: dict[int, tuple[Sound, tuple[int, int, int], str]] = {
    32: ("ave", (32, 16, 16), "SyncTalk_2D"),  # or HuBERT: the numbers do not tell
    256: ("wenet", (256, 16, 32), "SyncTalk_2D"),
    16: ("hubert", (16, 32, 32), "Ultralight"),
    128: ("wenet", (128, 16, 32), "Ultralight"),
}
"""By the channels of the sound: 16 frames of features for SyncTalk_2D, 8 for Ultralight."""
_FIRST = "audio_model.conv1.conv.0.weight"
_LAST_DOWN = "down5.maxpool_conv.0.double_conv.0.conv.0.weight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a network is made for.

    Attributes:
        side: 320 or 160, the width and height of its pictures.
        sound: which features it hears.
        shape: shape of the features of one frame.
        project: who trains such networks.
    """

    side: Literal[320, 160]
    sound: Sound
    shape: tuple[int, int, int]
    project: str


HUBERT_PLANES = (32, 32, 32)
"""SyncTalk_2D's networks for HuBERT have the tensors of those for AVE; only the folder's features tell."""


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
    return Layout(
        side=320 if _LAST_DOWN in shapes else 160, sound=sound, shape=shape, project=project
    )


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
        f"The weight file {path} is no network of a person by SyncTalk_2D or Ultralight.",
        "Choose a file that their training wrote: checkpoint/NAME/N.pth.",
    )
