"""Decides which person's network runs and how, for the probe and for `open`. Loads nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lipsync_core.contracts import Unavailable
from lipsync_core.errors import PluginUnavailable
from lipsync_core.networks.runtime import Exportable, RuntimeChoice, choose_runtime
from lipsync_core.weights import location
from lipsync_core.weights.outline import outline
from lipsync_synctalk2d import persons
from lipsync_synctalk2d.layouts import HUBERT_PLANES, Layout, layout_of, named, refused
from lipsync_synctalk2d.persons import Found
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
        runs: the runtime; None until `choose` has decided it.
    """

    person: str
    file: Path
    layout: Layout
    runs: RuntimeChoice | None = None

    @property
    def stem(self) -> str:
        """What the ONNX file is called, before the digits that stand for the content."""
        name = self.person if self.file.parent.name == self.person else Path(self.person).stem
        safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in name)
        return f"{safe}-{self.layout.side}"


def choose(side: int, context: OpenContext) -> Choice | Unavailable:
    """What the generator for pictures of `side` runs with on this computer, or why it cannot."""
    chosen = find(side, context)
    if isinstance(chosen, Unavailable):
        return chosen
    runs = choose_runtime(context, exportable(chosen))
    return runs if isinstance(runs, Unavailable) else replace(chosen, runs=runs)


def find(side: int, context: OpenContext) -> Choice | Unavailable:
    """Whose network it is and what is in its file, or why there is none; the runtime stays open."""
    asked = str(context.options.get("features", "auto"))
    found = _person(side, str(context.options.get("person", "")))
    if isinstance(found, Unavailable):
        return found
    person, here = found
    file = here.file
    layout = _layout(file)
    if isinstance(layout, Unavailable):
        return layout
    if layout.side != side:
        other = GENERATORS[layout.side].name
        return Unavailable(
            reason=f"{file} is a network for pictures of {layout.side} pixels, not of {side}",
            hint=f"Use --generator {other} --option {other}.person={file}.",
        )
    told = here.features if asked == "auto" else asked
    if layout.sound == "ave" and told == "hubert":  # the same tensors
        layout = replace(layout, sound="hubert", shape=HUBERT_PLANES)
    return Choice(person=person, file=file, layout=layout)


def exportable(chosen: Choice) -> Exportable:
    """The person's network for `choose_runtime`. In bf16 torch is faster than ONNX Runtime, in fp32 equal."""
    return Exportable(
        plugin=GENERATORS[chosen.layout.side].name,
        distribution="lipsync-synctalk2d",
        stem=chosen.stem,
        title=chosen.person,
        checkpoint=chosen.file,
        arguments=f"--option person={chosen.person}",
    )


def _person(side: int, wanted: str) -> tuple[str, Found] | Unavailable:
    """Name and file of the requested person; without a request, of the only person there is."""
    spec = GENERATORS[side]
    folder = location.folder(spec)
    here = persons.trained(spec.name, folder)
    if wanted:
        try:
            file = here.get(wanted) or persons.named(wanted)
        except (OSError, RuntimeError) as error:  # no right to look there, or nobody's home folder
            return _unreadable(wanted, error)
        if file is not None:
            return wanted, file
    elif len(here) == 1:
        return next(iter(here.items()))
    other = GENERATORS[480 - side].name  # of 320 and 160
    if wanted in persons.trained(other, location.folder(GENERATORS[480 - side])):
        return Unavailable(
            reason=f"'{wanted}' is trained for {other}",
            hint=f"Use --generator {other} --option {other}.person={wanted}.",
        )
    if not here:
        missing = f"no person is called '{wanted}'" if wanted else "no person is trained"
        return Unavailable(
            reason=f"its weights are not here: {missing}",
            hint=f"Train one with `lipsync train synctalk2d`, put a person's file into {folder / 'persons'} "
            f"as NAME.pth, or name it with --option {spec.name}.person=PATH.",
            lacks="weights",
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
