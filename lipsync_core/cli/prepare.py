"""`lipsync prepare`: prepared avatars, for runs with any audio: make, list and remove them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lipsync_core.cli.groups import option_groups
from lipsync_core.cli.options import PluginOptions, ShowOptions, TargetOptions
from lipsync_core.errors import UsageError

if TYPE_CHECKING:
    from lipsync_core.engine.prepared.avatars import Entry

_TARGET_HELP = "Video, GIF, picture or folder of pictures with the face."
_GENERATOR_HELP = "Generator to prepare for. Default: the built-in one."
_SECONDS_HELP = "How much of a still picture's blinking and swaying is prepared, in seconds."

_Target = Annotated[Path | None, typer.Argument(metavar="TARGET", help=_TARGET_HELP)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AvatarOptions:
    """Which avatar, and whether it is made, listed or removed."""

    generator: Annotated[
        str | None, typer.Option("--generator", "-g", metavar="NAME", help=_GENERATOR_HELP)
    ] = None
    seconds: Annotated[
        float, typer.Option(min=0.0, max=3600.0, metavar="SECONDS", help=_SECONDS_HELP)
    ] = 10.0
    listing: Annotated[
        bool, typer.Option("--list", help="List the avatars, all or those of TARGET.")
    ] = False
    removing: Annotated[
        bool, typer.Option("--remove", help="Remove the avatars of TARGET, or without TARGET all.")
    ] = False


@option_groups
def prepare(
    target: _Target = None,
    *,
    avatar: AvatarOptions,
    face: TargetOptions,
    plugins: PluginOptions,
    show: ShowOptions,
) -> None:
    """Prepare TARGET for a generator, for any audio.

    Finds the faces and computes what depends on the target alone. `lipsync run` and live sessions with
    the same settings then use it and give the same pictures. Rerun the same command to resume. An avatar
    is removed when it was not used for 60 days; beyond 20 GiB in all, the ones that were not used for
    longest are removed.

    Examples:
    - `lipsync prepare presenter.mp4 --generator musetalk`
    - `lipsync run presenter.mp4 monday.wav -o monday.mp4 --generator musetalk`
    - `lipsync prepare --list`
    - `lipsync prepare presenter.mp4 --remove`
    """
    if avatar.listing or avatar.removing:
        _manage(target, face.video_track, avatar, show)
    elif target is None:
        raise UsageError("TARGET is missing.", "Use lipsync prepare TARGET --generator NAME.")
    else:
        _prepare(target, avatar, face, plugins, show)


def _prepare(
    target: Path,
    avatar: AvatarOptions,
    face: TargetOptions,
    plugins: PluginOptions,
    show: ShowOptions,
) -> None:
    from lipsync_core.cli.console import print_json
    from lipsync_core.engine.prepare import PrepareRequest
    from lipsync_core.engine.prepare import prepare as engine

    generators = (avatar.generator,) if avatar.generator else ()
    request = PrepareRequest(
        target=face.request(target),
        plugins=replace(plugins.settings(), generators=generators, strict=True),
        seconds=Fraction(avatar.seconds),
    )
    with show.progress() as progress:
        told = engine(request, progress)
    if show.as_json:
        print_json(told)
    elif not show.quiet:
        _show(told)


def _show(told: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from lipsync_core.cli.console import stderr
    from lipsync_core.cli.summary import counted

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row("[bold]target", f"[bold]{escape(told['target'])}[/]")
    table.add_row("frames", f"{told['frames']}, {told['frames_with_a_face']} with a usable face")
    cached = ", from the cache" if told["faces_from_cache"] else ""
    table.add_row("faces", f"found{cached}")
    if told["prepares"] == "none":
        table.add_row("generator", f"{told['generator']} needs no preparation of its own")
    else:
        table.add_row("generator", told["generator"])
    if told["folders"]:
        made, kept = told["made"], told["kept"]
        table.add_row("prepared", f"{counted(kept)}, {counted(made)} of them now")
        table.add_row("on disk", _bytes(told["bytes"]))
    table.add_row("time", f"{told['seconds']:.1f} s")
    stderr.print(table)


def _bytes(number: int) -> str:
    return f"{number / 2**20:.1f} MiB" if number >= 2**18 else f"{number / 2**10:.1f} KiB"


def _manage(
    target: Path | None, video_track: str | None, avatar: AvatarOptions, show: ShowOptions
) -> None:
    """List or remove avatars."""
    from lipsync_core.cli.console import print_json
    from lipsync_core.engine.prepared import avatars

    if avatar.listing and avatar.removing:
        raise UsageError("--list and --remove exclude each other.", "Use one of them.")
    digest = _digest(target, video_track) if target else None
    chosen = [
        entry
        for entry in avatars.entries()
        if avatar.generator in (None, entry.generator) and digest in (None, entry.digest)
    ]
    for entry in chosen if avatar.removing else ():
        avatars.remove(entry)
    if show.as_json:
        key = "removed" if avatar.removing else "avatars"
        print_json({key: [entry.as_dict() for entry in chosen]})
    elif not show.quiet:
        _table(chosen, avatar.removing)


def _digest(target: Path, video_track: str | None) -> str:
    from lipsync_core.media.probe import probe_target
    from lipsync_core.targets.digests import target_hash

    return target_hash(probe_target(target, track=video_track))


def _table(entries: list[Entry], removed: bool) -> None:
    import time

    from rich.markup import escape
    from rich.table import Column, Table

    from lipsync_core.cli.console import stdout
    from lipsync_core.cli.summary import counted

    if not entries:
        stdout.print("No avatar was removed." if removed else "No avatar is prepared.")
        return
    table = Table(
        Column("target", overflow="fold"), "generator", "prepared", "on disk", "last used", box=None
    )
    for entry in entries:
        table.add_row(
            escape(entry.target),
            entry.generator,
            counted({"frames": entry.frames, "tracks": entry.tracks}),
            _bytes(entry.bytes),
            time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used)),
        )
    stdout.print(table)
    whole = _bytes(sum(entry.bytes for entry in entries))
    number = counted({"avatars": len(entries)})
    stdout.print(f"{number}, {whole}" + (", removed" if removed else ""))
