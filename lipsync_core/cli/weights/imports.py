"""`lipsync weights import`: weight files that the user already has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from lipsync_core.cli.console import print_json, stderr
from lipsync_core.cli.flags import Json
from lipsync_core.cli.plugins.finding import find_plugins
from lipsync_core.cli.transfer import ShownMeter
from lipsync_core.cli.weights.choosing import fail
from lipsync_core.errors import LipsyncError, UnsupportedInput, UsageError
from lipsync_core.registry import Registry
from lipsync_core.weights.entries import Entry, entries
from lipsync_core.weights.intake import take
from lipsync_core.weights.recognition import looks_known, recognise

_Paths = Annotated[
    list[Path], typer.Argument(metavar="PATH", help="Weight files, or folders that hold some.")
]
_Plugin = Annotated[
    str | None, typer.Option(metavar="NAME", help="Take only files of this plugin.")
]
_As = Annotated[
    str | None,
    typer.Option("--as", metavar="FILE", help="What the file is: FILE or PLUGIN/FILE as listed."),
]
_Link = Annotated[bool, typer.Option("--link", help="Link to the files instead of copying them.")]


def import_(
    paths: _Paths,
    plugin: _Plugin = None,
    as_: _As = None,
    link: _Link = False,
    as_json: Json = False,
) -> None:
    """Add weight files that you have.

    A file may have any name: it is recognised by its content. It is refused when it is damaged, belongs
    to another variant, or contains code. Exit code 3: a file was refused.

    Examples: `lipsync weights import ~/Downloads/wav2lip_gan.pth`,
    `lipsync weights import ComfyUI/models --link`
    """
    registry = Registry.load()
    known = entries(find_plugins(registry, plugin) if plugin else registry)
    if as_ is not None and (len(paths) > 1 or paths[0].is_dir()):
        raise UsageError("--as names one file, but several are given.", "Import them one by one.")
    taken = _take(paths, known, as_, link)
    if not taken.rows:
        raise UnsupportedInput(
            f"No plugin needs a file in {', '.join(map(str, paths))}.",
            next(
                (e.hint for e in taken.refused.values()), "Run `lipsync weights list` to see them."
            ),
        )
    if as_json:
        print_json(taken.rows)
    named = [error for path, error in taken.refused.items() if path in paths]
    if named:
        fail(named[0], as_json)


@dataclass(slots=True)
class _Taken:
    """What was added, and why the rest was not."""

    rows: list[dict[str, object]] = field(default_factory=list)
    refused: dict[Path, LipsyncError] = field(default_factory=dict)


def _take(paths: Sequence[Path], known: list[Entry], as_: str | None, link: bool) -> _Taken:
    """Add the files that are recognised.

    Raises:
        LipsyncError: a single file was given and is refused.
    """
    taken = _Taken()
    single = len(paths) == 1 and not paths[0].is_dir()
    with ShownMeter() as meter:
        for path in _files(paths, known):
            try:
                found = recognise(path, known, chosen=as_, meter=meter)
            except (UnsupportedInput, UsageError) as error:
                if single:
                    raise
                taken.refused[path] = error
                stderr.print(f"refused: {error.message}", soft_wrap=True, markup=False)
                continue
            places = take(found, link=link, meter=meter)
            for entry, place in zip(found.entries, places, strict=True):
                taken.rows.append({"source": path, "as": entry.label, "path": place})
                stderr.print(f"{path} -> {place}", soft_wrap=True, markup=False)
    return taken


def _files(paths: Sequence[Path], known: Sequence[Entry]) -> list[Path]:
    """The given files, and those of given folders that may hold weights."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file())
            found += [p for p in inside if looks_known(p, known)]
        else:
            found.append(path)
    return found
