"""Decides whose network runs how: the one truth that the probe tells and `open` follows. Loads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from lipsync_core import hardware
from lipsync_core.contracts import Unavailable
from lipsync_core.errors import PluginUnavailable
from lipsync_core.weights import location
from lipsync_core.weights.outline import outline
from lipsync_synctalk2d import persons
from lipsync_synctalk2d.layouts import Layout, layout_of, named, refused
from lipsync_synctalk2d.spec import GENERATORS

if TYPE_CHECKING:
    from lipsync_core.contracts import OpenContext

PRECISIONS = ("auto", "fp32", "bf16", "fp16")
_SHOWN = 6
"""People told in a hint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a run uses.

    Attributes:
        person: name of the person, or the path that the user gave.
        file: the checkpoint.
        layout: what is in it.
        precision: "fp32", "bf16" or "fp16".
    """

    person: str
    file: Path
    layout: Layout
    precision: str


def choose(side: int, context: OpenContext) -> Choice | Unavailable:
    """What the generator for pictures of `side` runs with on this computer, or why it cannot."""
    wrong = _contradiction(context)
    if wrong is not None:
        return wrong
    found = _person(side, str(context.options.get("person", "")))
    if isinstance(found, Unavailable):
        return found
    person, file = found
    layout = _layout(file)
    if isinstance(layout, Unavailable):
        return layout
    if layout.side != side:
        other = GENERATORS[layout.side].name
        return Unavailable(
            reason=f"{file} is a network for pictures of {layout.side} pixels, not of {side}",
            hint=f"Use --generator {other} --option {other}.person={file}.",
        )
    if layout.sound != "ave":
        return Unavailable(
            reason=f"{file} hears {layout.sound} features ({layout.project}), and this version makes "
            "those of the AVE encoder only",
            hint="Choose a person who was trained with AVE features, SyncTalk_2D's default.",
        )
    return Choice(person=person, file=file, layout=layout, precision=precision_for(context))


def _contradiction(context: OpenContext) -> Unavailable | None:
    """What is wrong with the settings themselves."""
    if context.precision not in PRECISIONS:
        return Unavailable(
            reason=f"there is no precision {context.precision}",
            hint=f"Choose one of {', '.join(PRECISIONS)}.",
        )
    if context.precision == "fp16" and context.device == "cpu":
        return Unavailable(
            reason="it does not compute in fp16 on a CPU", hint="Choose --precision bf16 or fp32."
        )
    if context.device.startswith("cuda") and _torch_version().endswith("+cpu"):
        return Unavailable(
            reason="the torch that is installed here cannot use the GPU",
            hint="Install a torch with CUDA, or choose --device cpu.",
        )
    return None


def _person(side: int, wanted: str) -> tuple[str, Path] | Unavailable:
    """Name and file of the wanted person; of the only one, where nobody is named."""
    spec = GENERATORS[side]
    folder = location.folder(spec)
    here = persons.trained(folder)
    if wanted:
        file = here.get(wanted) or persons.named(wanted)
        if file is not None:
            return wanted, file
    elif len(here) == 1:
        return next(iter(here.items()))
    if not here:
        missing = f"nobody is called '{wanted}'" if wanted else "no person is trained"
        return Unavailable(
            reason=f"its weights are not here: {missing}",
            hint=f"Put a person's file into {folder / 'persons'} as NAME.pth, or name it with --option "
            f"{spec.name}.person=PATH.",
        )
    some = ", ".join(list(here)[:_SHOWN]) + (", ..." if len(here) > _SHOWN else "")
    return Unavailable(
        reason=f"no person '{wanted}' is trained" if wanted else "several people are trained",
        hint=f"Use --option {spec.name}.person=WHO (here are {some}).",
    )


def _layout(file: Path) -> Layout | Unavailable:
    """What is in a checkpoint, by the names and shapes in it."""
    try:
        found = layout_of(named(outline(file).shapes))
        if found is None:
            raise refused(file)
    except PluginUnavailable as error:
        return Unavailable(reason=error.message.rstrip("."), hint=error.hint)
    except OSError as error:
        return Unavailable(
            reason=f"{file} cannot be read: {error.strerror or error}",
            hint="Check the rights of the file.",
        )
    return found


def precision_for(context: OpenContext) -> str:
    """What "auto" means on a device: half precision where it is faster and exact enough.

    See the README for what bf16 does to the picture.
    """
    if context.precision != "auto":
        return context.precision
    if context.options.get("compat", False):
        return "fp32"
    if context.device.startswith("cuda"):
        return "fp16"
    return "bf16" if hardware.detect().bf16 else "fp32"


def _torch_version() -> str:
    try:
        return metadata.version("torch")
    except metadata.PackageNotFoundError:  # the spec's requirement tells that
        return ""
