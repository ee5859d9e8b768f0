"""`lipsync faces`: a contact sheet of the face tracks in a target, with their ids."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lipsync_core.cli.flags import VideoTrack
from lipsync_core.cli.groups import option_groups
from lipsync_core.cli.options import PluginOptions, ShowOptions


@option_groups
def faces(
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="Video, GIF or picture.")],
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Picture to write: .png or .jpg."),
    ] = None,
    columns: Annotated[
        int, typer.Option(min=1, max=12, metavar="N", help="Faces in a row of the sheet.")
    ] = 4,
    video_track: VideoTrack = None,
    plugins: PluginOptions,
    show: ShowOptions,
) -> None:
    """Draw the face tracks of TARGET on a contact sheet.

    `lipsync run --face id:N` takes the ids of this sheet. The analysis is cached: a run on the same file
    detects nothing again.

    Example: `lipsync faces interview.mp4 -o tracks.png`
    """
    from lipsync_core.cli.console import print_json
    from lipsync_core.faces.sheet import draw_sheet
    from lipsync_core.media.output import atomic_output, beside
    from lipsync_core.targets.inspect import describe, inspect

    out = output or beside(Path(target.stem), "-faces.png")
    with show.progress() as progress:
        info, analysis = inspect(target, plugins.settings(), progress, video_track=video_track)
        png = draw_sheet(info, analysis, columns, out.suffix.lower() or ".png")
        with atomic_output(out) as part:
            part.write_bytes(png)
    told = describe(analysis) | {"sheet": str(out)}
    if show.as_json:
        print_json(told)
    elif not show.quiet:
        _show(told)


def _show(told: dict[str, Any]) -> None:
    from rich.markup import escape

    from lipsync_core.cli.console import stdout

    for track in told["tracks"]:
        stdout.print(
            f"id {track['id']}: frames {track['first']}-{track['last']} ({track['frames']} with the face), "
            f"shot {track['shot']}, about {track['width']} px wide, yaw up to {track['yaw']} degrees",
            soft_wrap=True,
        )
    stdout.print(
        f"{len(told['tracks'])} tracks in {len(told['shots'])} shots: "
        f"[bold]{escape(told['sheet'])}[/]",
        soft_wrap=True,
    )
