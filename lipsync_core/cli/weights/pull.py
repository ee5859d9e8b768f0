"""`lipsync weights pull`: fetches weight files, after their licences are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from lipsync_core.cli.confirmation import confirm
from lipsync_core.cli.console import print_json, stderr
from lipsync_core.cli.flags import Json
from lipsync_core.cli.groups import option_groups
from lipsync_core.cli.plugins.finding import find_plugins
from lipsync_core.cli.transfer import ShownMeter
from lipsync_core.errors import PluginUnavailable, UsageError
from lipsync_core.registry import Registry
from lipsync_core.specs import AudioEncoderSpec, GeneratorSpec, PluginSpec
from lipsync_core.weights import hub, intake
from lipsync_core.weights.entries import Entry, entries
from lipsync_core.weights.remedy import remedy

_Names = Annotated[
    list[str], typer.Argument(metavar="NAME", help="Generators, audio encoders, enhancers, ...")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PullOptions:
    """Which files are fetched."""

    file: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Fetch only this declared file; may be repeated."),
    ] = None
    all_optional: Annotated[
        bool, typer.Option("--all-optional", help="Fetch also the files that a run can do without.")
    ] = False
    again: Annotated[
        bool, typer.Option("--again", help="Fetch files that are here, too: replaces damaged ones.")
    ] = False
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", help="Accept licences that forbid commercial use."),
    ] = False


@option_groups
def pull(names: _Names, *, which: PullOptions, as_json: Json = False) -> None:
    """Fetch weight files from their publisher.

    Fetches the files of each NAME, and of the audio encoder of a generator. Rerun the same command to resume.
    Respects HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE and proxies; files in the cache of Hugging Face's tools are
    used in place. Where all files are optional, the first is fetched.

    Examples: `lipsync weights pull musetalk`,
    `HF_ENDPOINT=https://mirror.example lipsync weights pull latentsync --yes`
    """
    asked = entries(_with_encoders(names))
    if not asked:
        raise UsageError(f"'{names[0]}' needs no weight files.", "There is nothing to fetch.")
    wanted = _chosen(asked, which)
    todo = [e for e in wanted if which.again or e.find() is None]
    _refuse_unfetchable(todo)
    todo = [e for e in todo if e.weight.repository]
    _accept_licences(todo, yes=which.yes)
    _fetch(todo, again=which.again)
    rows = [{"name": e.name, "file": e.weight.path, "path": e.find()} for e in wanted]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        stderr.print(f"{row['name']}: {row['path']}", soft_wrap=True, markup=False)


def _fetch(todo: Sequence[Entry], *, again: bool) -> None:
    known = entries(Registry.load())
    with ShownMeter() as meter:
        for entry in todo:
            twin = _twin(entry, known)
            if twin is None or again:
                hub.pull(entry, meter, again=again)
            else:  # the same file, fetched for another plugin
                intake.share_entry(twin, entry)


def _with_encoders(names: list[str]) -> list[PluginSpec]:
    """The named plugins, and the audio encoders that named generators listen through."""
    registry = Registry.load()
    specs = [spec for name in names for spec in find_plugins(registry, name)]
    wanted = {s.audio_encoder for s in specs if isinstance(s, GeneratorSpec)}
    encoders = [s for s in registry.all(AudioEncoderSpec) if s.name in wanted and s not in specs]
    return [*specs, *encoders]


def _chosen(asked: Sequence[Entry], which: PullOptions) -> list[Entry]:
    """The files to have: the named ones, or what each plugin needs."""
    if which.file:
        return _named(asked, which.file)
    wanted = [e for e in asked if which.all_optional or not e.weight.optional]
    for name in dict.fromkeys(e.name for e in asked):
        own = [e for e in asked if e.name == name]
        if not any(
            e in wanted for e in own
        ):  # one of several is enough: one that is here, or the first
            fetched = [e for e in own if e.weight.repository]
            wanted.append(next((e for e in own if e.find()), (fetched or own)[0]))
    return wanted


def _named(asked: Sequence[Entry], files: list[str]) -> list[Entry]:
    """The declared files of these names.

    Raises:
        UsageError: a name that no plugin declares.
    """
    chosen = [e for e in asked if e.weight.path in files or e.label in files]
    known = {text for e in chosen for text in (e.weight.path, e.label)}
    unknown = next((file for file in files if file not in known), None)
    if unknown is not None:
        declared = ", ".join(e.weight.path for e in asked)
        raise UsageError(f"Unknown weight file '{unknown}'.", f"Declared files: {declared}.")
    return chosen


def _refuse_unfetchable(todo: list[Entry]) -> None:
    """Check before anything is fetched that a repository has the files.

    Raises:
        PluginUnavailable: no repository has a file that is needed.
    """
    lost = [e for e in todo if not e.weight.repository]
    if not lost or (
        any(e.weight.repository for e in todo) and all(e.weight.optional for e in lost)
    ):
        return
    name = lost[0].name
    files = [e.weight for e in lost if e.name == name]
    raise PluginUnavailable(
        f"{', '.join(w.path for w in files)} of '{name}' cannot be fetched: no repository has them.",
        remedy(name, files),
    )


def _accept_licences(todo: list[Entry], *, yes: bool) -> None:
    """Show the licences, and ask the user to accept one that forbids commercial use."""
    shown = dict.fromkeys((e.name, e.weight.licence, e.licence.commercial) for e in todo)
    for name, licence, commercial in shown:
        told = {True: "", False: "; no commercial use", None: "; commercial use not stated"}
        stderr.print(f"{name}: {licence}{told[commercial]}", soft_wrap=True, markup=False)
    strict = [(name, licence) for name, licence, commercial in shown if commercial is False]
    if strict and not yes:
        names = ", ".join(dict.fromkeys(name for name, _ in strict))
        confirm(
            f"The weights of {names} must not be used commercially ({strict[0][1]}). Fetch them?"
        )


def _twin(entry: Entry, known: Sequence[Entry]) -> Path | None:
    """The same file of the same repository, in the place of another plugin."""
    for other in known:
        if other.identity == entry.identity and other.place != entry.place:
            found = other.find()
            if found is not None and entry.weight.size in (None, found.stat().st_size):
                return found
    return None
