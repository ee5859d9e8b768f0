"""`lipsync weights pull|import`: how weight files get here. Licences are shown before anything is fetched."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from lipsync_core.cli.plugins import find
from lipsync_core.errors import LipsyncError, PluginUnavailable, UnsupportedInput, UsageError
from lipsync_core.registry import Registry
from lipsync_core.specs import AudioEncoderSpec, GeneratorSpec, PluginSpec
from lipsync_core.weights.entries import Entry, entries

_Json = Annotated[bool, typer.Option("--json", help="Plain data on stdout.")]


def pull(
    names: Annotated[list[str], typer.Argument(help="Generators, encoders, enhancers, ...")],
    file: Annotated[
        list[str] | None,
        typer.Option("--file", help="Only this declared file; may be repeated."),
    ] = None,
    all_optional: Annotated[
        bool, typer.Option("--all-optional", help="Also the files that a run can do without.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Fetch also what is here: to mend a damaged file.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Accept licences that forbid commercial use.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Fetch the weight files of NAMES (and of a generator's audio encoder) from the hub.

    Goes on where an earlier try stopped. Honours HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE and proxies; what
    the cache of Hugging Face's tools holds is used as it is. Where all files are optional, the first is
    fetched.

    Examples: `lipsync weights pull musetalk`,
    `HF_ENDPOINT=https://mirror.example lipsync weights pull latentsync --yes`
    """
    from lipsync_core.cli.console import print_json, stderr
    from lipsync_core.cli.transfer import ShownMeter
    from lipsync_core.weights import hub, intake

    known = entries(Registry.load())
    asked = entries(_with_encoders(names))
    if not asked:
        raise UsageError(f"'{names[0]}' needs no weight files.", "There is nothing to pull.")
    wanted = _chosen(asked, file or [], all_optional)
    todo = [e for e in wanted if again or e.find() is None]
    _refuse_unfetchable(names, wanted, todo)
    _accept_licences([e for e in todo if e.weight.repository], yes=yes)
    with ShownMeter() as meter:
        for entry in (e for e in todo if e.weight.repository):
            twin = _twin(entry, known)
            if twin is None or again:
                hub.pull(entry, meter, again=again)
            else:  # the same file, fetched for another plugin
                intake.share_entry(twin, entry)
    rows = [{"name": e.name, "file": e.weight.path, "path": e.find()} for e in wanted]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        stderr.print(f"{row['name']}: {row['path']}", soft_wrap=True, markup=False)


def import_(
    paths: Annotated[
        list[Path], typer.Argument(help="Weight files, or folders with some in them.")
    ],
    plugin: Annotated[
        str | None, typer.Option("--plugin", help="Only files of this plugin.")
    ] = None,
    as_: Annotated[
        str | None, typer.Option("--as", help="What the file is: FILE or PLUGIN/FILE as listed.")
    ] = None,
    link: Annotated[
        bool, typer.Option("--link", help="Link to the files instead of copying them.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Take weight files that you already have into the store, whatever they are called.

    A file is recognised by what is in it and refused where it is damaged, another variant, or wants to run
    code. Exit code 3: a file was refused.

    Examples: `lipsync weights import ~/Downloads/wav2lip_gan.pth`,
    `lipsync weights import ComfyUI/models --link`
    """
    from lipsync_core.cli.console import print_json, stderr
    from lipsync_core.cli.transfer import ShownMeter
    from lipsync_core.weights.intake import take
    from lipsync_core.weights.recognition import recognise

    registry = Registry.load()
    known = entries(find(registry, plugin) if plugin else registry)
    if as_ is not None and (len(paths) > 1 or paths[0].is_dir()):
        raise UsageError("--as names one file, and several are given.", "Import them one by one.")
    rows: list[dict[str, object]] = []
    refused: dict[Path, LipsyncError] = {}
    single = len(paths) == 1 and not paths[0].is_dir()
    with ShownMeter() as meter:
        for path in _files(paths, known):
            try:
                found = recognise(path, known, chosen=as_, meter=meter)
            except (UnsupportedInput, UsageError) as error:
                if single:
                    raise
                refused[path] = error
                stderr.print(f"left out: {error.message}", soft_wrap=True, markup=False)
                continue
            for entry, place in zip(
                found.entries, take(found, link=link, meter=meter), strict=True
            ):
                rows.append({"source": path, "as": entry.label, "path": place})
                stderr.print(f"{path} -> {place}", soft_wrap=True, markup=False)
    if not rows:
        raise UnsupportedInput(
            f"Nothing in {', '.join(map(str, paths))} is a weight file that a plugin here wants.",
            next((e.hint for e in refused.values()), "`lipsync weights list` shows what is known."),
        )
    if as_json:
        print_json(rows)
    named = [error for path, error in refused.items() if path in paths]
    if named:
        fail(named[0], as_json)


def fail(error: LipsyncError, as_json: bool) -> NoReturn:
    """End with `error`; where plain data is on stdout already, say it on stderr alone.

    Raises:
        LipsyncError: `error` itself.
    """
    from lipsync_core.cli.console import show_error

    if not as_json:
        raise error
    show_error(error)
    raise typer.Exit(error.exit_code)


def confirm(question: str) -> None:
    """Ask a person; fail where nobody can answer.

    Raises:
        UsageError: no terminal, or the answer was no.
    """
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Nobody can be asked here.", "Add --yes.")
    if not typer.confirm(question, err=True):
        raise UsageError("Nothing was changed.", "")


def remedy_again(entry: Entry) -> str:
    """How to mend a damaged file."""
    if entry.weight.repository:
        return f"lipsync weights pull {entry.name} --file {entry.weight.path} --again"
    source = entry.weight.origin or "its publisher"
    return f"Get it again from {source}, then: lipsync weights import FILE"


def _with_encoders(names: list[str]) -> list[PluginSpec]:
    """The named plugins, and the audio encoders that named generators listen through."""
    registry = Registry.load()
    specs = [spec for name in names for spec in find(registry, name)]
    wanted = {s.audio_encoder for s in specs if isinstance(s, GeneratorSpec)}
    encoders = [s for s in registry.all(AudioEncoderSpec) if s.name in wanted and s not in specs]
    return [*specs, *encoders]


def _chosen(asked: Sequence[Entry], files: list[str], all_optional: bool) -> list[Entry]:
    if files:
        chosen = [e for e in asked if e.weight.path in files or e.label in files]
        unknown = [
            f for f in files if f not in {t for e in chosen for t in (e.weight.path, e.label)}
        ]
        if unknown:
            some = ", ".join(e.weight.path for e in asked)
            raise UsageError(f"There is no declared file '{unknown[0]}'.", f"Declared: {some}.")
        return chosen
    wanted = [e for e in asked if all_optional or not e.weight.optional]
    for name in dict.fromkeys(e.name for e in asked):
        own = [e for e in asked if e.name == name]
        if not any(
            e in wanted for e in own
        ):  # one of several is enough: any that is here, or the first
            fetched = [e for e in own if e.weight.repository]
            wanted.append(next((e for e in own if e.find()), (fetched or own)[0]))
    return wanted


def _refuse_unfetchable(names: list[str], wanted: list[Entry], todo: list[Entry]) -> None:
    """Files that no repository carries: told before anything is fetched when nothing can be."""
    from lipsync_core.weights.remedy import remedy

    lost = [e for e in todo if not e.weight.repository]
    if not lost or (
        any(e.weight.repository for e in todo) and all(e.weight.optional for e in lost)
    ):
        return
    name = lost[0].name
    files = [e.weight for e in lost if e.name == name]
    raise PluginUnavailable(
        f"{', '.join(w.path for w in files)} of '{name}' cannot be fetched: no repository is known.",
        remedy(name, files),
    )


def _accept_licences(todo: list[Entry], *, yes: bool) -> None:
    """Show the licences; where one forbids commercial use, have it accepted."""
    from lipsync_core.cli.console import stderr

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


def _files(paths: Sequence[Path], known: Sequence[Entry]) -> list[Path]:
    """The given files, and those of given folders that may hold weights."""
    from lipsync_core.weights.recognition import looks_known

    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file())
            found += [p for p in inside if looks_known(p, known)]
        else:
            found.append(path)
    return found
