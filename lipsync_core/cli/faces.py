"""`lipsync faces`: a contact sheet of the tracks in a target, with their ids."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def faces(
    target: Annotated[Path, typer.Argument(metavar="INPUT", help="Video, GIF or picture.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Picture to write (.png or .jpg).")
    ] = None,
    detector: Annotated[str | None, typer.Option(help="Face detector.")] = None,
    columns: Annotated[int, typer.Option(min=1, max=12, help="Pictures side by side.")] = 4,
    as_json: Annotated[bool, typer.Option("--json", help="Shots and tracks as data.")] = False,
) -> None:
    """Draw every face track of INPUT on a contact sheet.

    The ids are those of `lipsync run --face id:N`. The analysis is cached: a run on the same file
    detects nothing again.

    Example: `lipsync faces interview.mp4 -o tracks.png`
    """
    from contextlib import nullcontext

    from rich.markup import escape

    from lipsync_core.cli.console import ShownProgress, print_json, stdout
    from lipsync_core.media.output import atomic_output
    from lipsync_core.requests import PluginSettings
    from lipsync_core.running.progress import Progress
    from lipsync_core.targets.inspect import describe, inspect

    out = output or Path(f"{target.stem}-faces.png")
    with nullcontext(Progress()) if as_json else ShownProgress() as progress:
        info, analysis = inspect(target, PluginSettings(detector=detector), progress)
        from lipsync_core.faces.sheet import draw_sheet

        png = draw_sheet(info, analysis, columns, out.suffix.lower() or ".png")
        with atomic_output(out) as part:
            part.write_bytes(png)
    told = describe(analysis) | {"sheet": str(out)}
    if as_json:
        print_json(told)
        return
    for track in told["tracks"]:
        stdout.print(
            f"id {track['id']}: frames {track['first']}-{track['last']} ({track['frames']} seen), "
            f"shot {track['shot']}, about {track['width']} px wide, yaw up to {track['yaw']} degrees"
        )
    stdout.print(
        f"{len(told['tracks'])} tracks in {len(told['shots'])} shots: [bold]{escape(str(out))}[/]"
    )
