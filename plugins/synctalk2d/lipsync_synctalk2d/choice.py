"""Decides whose network runs how: the one truth that the probe tells and `open` follows. Loads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lipsync_core.contracts import Unavailable
from lipsync_core.errors import PluginUnavailable
from lipsync_core.networks.precision import precision_for, unfit_precision
from lipsync_core.weights import location
from lipsync_core.weights.outline import outline
from lipsync_synctalk2d import persons
from lipsync_synctalk2d.layouts import Layout, layout_of, named, refused
from lipsync_synctalk2d.spec import GENERATORS

if TYPE_CHECKING:
    from lipsync_core.contracts import OpenContext

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
    wrong = unfit_precision(context)
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
    exact = bool(context.options.get("compat", False))
    return Choice(
        person=person, file=file, layout=layout, precision=precision_for(context, exact=exact)
    )


def _person(side: int, wanted: str) -> tuple[str, Path] | Unavailable:
    """Name and file of the wanted person; of the only one, where nobody is named."""
    spec = GENERATORS[side]
    folder = location.folder(spec)
    here = persons.trained(folder)
    if wanted:
        try:
            file = here.get(wanted) or persons.named(wanted)
        except (OSError, RuntimeError) as error:  # no right to look there, or nobody's home folder
            return _unreadable(wanted, error)
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
        return _unreadable(file, error)
    return found


def _unreadable(path: Path | str, error: OSError | RuntimeError) -> Unavailable:
    why = (isinstance(error, OSError) and error.strerror) or str(error).rstrip(".")
    return Unavailable(
        reason=f"{path} cannot be read: {why}", hint="Check the path, and your rights to read it."
    )
