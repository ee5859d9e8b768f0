"""Decides whose network runs how: the one truth that the probe tells and `open` follows. Loads nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lipsync_core.contracts import Unavailable
from lipsync_core.errors import PluginUnavailable
from lipsync_core.machine import packages
from lipsync_core.networks import exported
from lipsync_core.networks.precision import precision_for, unfit_precision
from lipsync_core.registry.probing import unfit_onnx, unfit_torch
from lipsync_core.weights import location
from lipsync_core.weights.outline import outline
from lipsync_synctalk2d import persons
from lipsync_synctalk2d.layouts import HUBERT_PLANES, Layout, layout_of, named, refused
from lipsync_synctalk2d.persons import Found
from lipsync_synctalk2d.spec import GENERATORS

if TYPE_CHECKING:
    from lipsync_core.contracts import OpenContext

FEATURES = ("auto", "ave", "hubert")
RUNTIMES = ("auto", "torch", "onnx")
EXPORT_PACKAGES = ("torch", "onnx", "onnxscript")
INSTALL_TORCH = 'pip install "lipsync-synctalk2d[runtime]"'
INSTALL_EXPORT = 'pip install "lipsync-synctalk2d[export]"'
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
        runtime: "torch" or "onnx".
        model: the ONNX file of `file`, for runtime "onnx"; it may still have to be made.
    """

    person: str
    file: Path
    layout: Layout
    precision: str
    runtime: Literal["torch", "onnx"] = "torch"
    model: Path | None = None

    @property
    def stem(self) -> str:
        """What the ONNX file is called, before the digits that stand for the content."""
        name = self.person if self.file.parent.name == self.person else Path(self.person).stem
        safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in name)
        return f"{safe}-{self.layout.side}"


def choose(side: int, context: OpenContext) -> Choice | Unavailable:
    """What the generator for pictures of `side` runs with on this computer, or why it cannot."""
    asked = str(context.options.get("features", "auto"))
    if asked not in FEATURES:
        return Unavailable(
            reason=f"option features is none of {', '.join(FEATURES)}",
            hint=f"For example --option {GENERATORS[side].name}.features={FEATURES[1]}.",
        )
    wrong = unfit_precision(context)
    if wrong is not None:
        return wrong
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
    return _with_runtime(context, Choice(person=person, file=file, layout=layout, precision="fp32"))


def _with_runtime(context: OpenContext, chosen: Choice) -> Choice | Unavailable:
    """In torch or ONNX Runtime, as was asked; else in torch, and where there is none, from an export."""
    asked = str(context.options.get("runtime", "auto"))
    if asked not in RUNTIMES:
        return Unavailable(
            reason=f"option runtime is none of {', '.join(RUNTIMES)}",
            hint=f"For example --option {GENERATORS[chosen.layout.side].name}.runtime={RUNTIMES[1]}.",
        )
    if asked == "onnx":
        return _in_onnx(context, chosen, make=True)
    if packages.installed("torch"):
        # In bf16 it is faster than ONNX Runtime in fp32, and in fp32 about as fast.
        exact = bool(context.options.get("compat", False))
        unfit = unfit_torch(context.device)
        return unfit or replace(chosen, precision=precision_for(context, exact=exact))
    found = _in_onnx(context, chosen, make=False)
    if asked == "auto" and isinstance(found, Choice):
        return found
    return Unavailable(
        reason="the package 'torch' is not installed"
        + (", and there is no ONNX file to do without" if asked == "auto" else ""),
        hint=INSTALL_TORCH,
    )


def _in_onnx(context: OpenContext, chosen: Choice, *, make: bool) -> Choice | Unavailable:
    """`make`: an export that is missing may be made."""
    unfit = unfit_onnx(context, "leave out the option runtime=onnx")
    if unfit is not None:
        return unfit
    name = GENERATORS[chosen.layout.side].name
    if context.cache is None:
        return Unavailable(reason="there is no cache folder", hint="Set LIPSYNC_CACHE.")
    try:
        model = exported.path_for(context.cache, chosen.stem, chosen.file)
    except OSError as error:
        return _unreadable(chosen.file, error)
    absent = [package for package in EXPORT_PACKAGES if not packages.installed(package)]
    if not model.is_file() and (absent or not make):
        what = f", and to make one {', '.join(absent)} is not installed" if absent else ""
        return Unavailable(
            reason=f"there is no ONNX file of {chosen.person}{what}",
            hint=(f"{INSTALL_EXPORT}, then " if absent else "Run ")
            + f"`lipsync weights export {name} --format onnx --option person={chosen.person}`.",
        )
    return replace(chosen, runtime="onnx", model=model)


def _person(side: int, wanted: str) -> tuple[str, Found] | Unavailable:
    """Name and file of the wanted person; of the only one, where nobody is named."""
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
        missing = f"nobody is called '{wanted}'" if wanted else "no person is trained"
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
