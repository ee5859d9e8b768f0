"""`lipsync prepare`: a prepared avatar, for runs with any voice; and what of the kind is there."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lipsync_core.cli import options
from lipsync_core.errors import UsageError

if TYPE_CHECKING:
    from lipsync_core.engine.prepared.avatars import Entry


def prepare(
    target: Annotated[
        Path | None,
        typer.Argument(help="Video, GIF, picture or folder of pictures with the face."),
    ] = None,
    generator: Annotated[
        str | None,
        typer.Option("--generator", "-g", help="Generator to prepare for. Default: the built-in."),
    ] = None,
    face_rule: options.FaceRule = "largest",
    seconds: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=3600.0,
            help="Of a picture: how much of its blinking and swaying is prepared.",
        ),
    ] = 10.0,
    still: Annotated[
        bool, typer.Option("--still", help="A picture keeps still: one frame is all there is.")
    ] = False,
    fps: Annotated[int, typer.Option(help="Frames a second of a video made from pictures.")] = 25,
    detector: options.Detector = None,
    option: options.Setting = None,
    device: options.Device = "auto",
    precision: options.Precision = options.PrecisionChoice.auto,
    seed: options.Seed = 0,
    listing: Annotated[
        bool, typer.Option("--list", help="Show the avatars that are there, all or of a target.")
    ] = False,
    removing: Annotated[
        bool, typer.Option("--remove", help="Remove the avatars of a target; without one, all.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON on stdout.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Prepare TARGET for a generator, without any voice.

    Finds the faces, and lets the generator make what depends on the target alone. `lipsync run` and live
    sessions with the same settings then use it, whatever the voice, and give the same pictures. Stopped, it
    goes on where it was when the same command is given again. What was not used for 60 days is removed, and
    what was not used for the longest where all of it is more than 20 GiB.

    For example:

    - `lipsync prepare presenter.mp4 --generator musetalk`
    - `lipsync run presenter.mp4 monday.wav -o monday.mp4 --generator musetalk`
    - `lipsync prepare --list`
    - `lipsync prepare presenter.mp4 --remove`
    """
    if listing or removing:
        if listing and removing:
            raise UsageError("--list and --remove exclude each other.", "Leave out one.")
        _manage(target, generator, removing, as_json)
        return
    if target is None:
        raise UsageError("A target is missing.", "lipsync prepare TARGET --generator NAME")
    from fractions import Fraction

    from lipsync_core.cli.console import ShownProgress, print_json
    from lipsync_core.engine.prepare import PrepareRequest
    from lipsync_core.engine.prepare import prepare as engine
    from lipsync_core.requests import PluginSettings, TargetRequest
    from lipsync_core.running.progress import Progress

    request = PrepareRequest(
        target=TargetRequest(path=target, face=face_rule, idle=not still, fps=fps),
        plugins=PluginSettings(
            generators=(generator,) if generator else (),
            strict=True,
            detector=detector,
            device=device,
            precision=precision.value,
            options=options.settings(option),
            seed=seed,
        ),
        seconds=Fraction(seconds),
    )
    with nullcontext(Progress()) if quiet or as_json else ShownProgress() as progress:
        told = engine(request, progress)
    if as_json:
        print_json(told)
    elif not quiet:
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


def _manage(target: Path | None, generator: str | None, removing: bool, as_json: bool) -> None:
    """List or remove avatars."""
    from lipsync_core.cli.console import print_json
    from lipsync_core.engine.prepared import avatars

    chosen = [
        entry
        for entry in avatars.entries()
        if generator in (None, entry.generator)
        and (target is None or entry.digest == _digest(target))
    ]
    for entry in chosen if removing else ():
        avatars.remove(entry)
    if as_json:
        key = "removed" if removing else "avatars"
        print_json({key: [entry.as_dict() for entry in chosen]})
        return
    _table(chosen, removing)


def _digest(target: Path) -> str:
    from lipsync_core.media.probe import probe_target
    from lipsync_core.targets.digests import target_hash

    return target_hash(probe_target(target))


def _table(entries: list[Entry], removed: bool) -> None:
    import time

    from rich.markup import escape
    from rich.table import Column, Table

    from lipsync_core.cli.console import stdout
    from lipsync_core.cli.summary import counted

    if not entries:
        stdout.print("Nothing is prepared." if not removed else "Nothing was there to remove.")
        return
    table = Table(
        Column("target", overflow="fold"), "generator", "prepared", "on disk", "used last", box=None
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
