"""`lipsync clips edit`: an edit list of recorded clips for an audio."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lipsync_core.cli.clips.cutting import LibraryArgument, PaceOptions, described, show_cutting
from lipsync_core.cli.flags import Audio, AudioTrack
from lipsync_core.cli.groups import option_groups
from lipsync_core.cli.options import ShowOptions
from lipsync_core.errors import OutputError


@option_groups
def edit(
    library: LibraryArgument,
    *,
    audio: Audio,
    audio_track: AudioTrack = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Edit list to write (.json)."),
    ] = None,
    pace: PaceOptions,
    show: ShowOptions,
) -> None:
    """Make an edit list of LIBRARY for an audio.

    An EDL for editing programs and a plot are written beside it. Change the list if you like, and render it:
    `lipsync clips render --edits talk.edits.json --audio talk.wav`.

    Example: `lipsync clips edit recordings/ --audio talk.wav`
    """
    from lipsync_core.cli.console import print_json
    from lipsync_core.clips.editing import edited, write
    from lipsync_core.clips.library import read
    from lipsync_core.media.output import beside

    files = _files(output or beside(Path(audio.stem), ".edits.json"))
    cutting = edited(read(library), audio, pace.pace(), audio_track)
    write(cutting, files, audio.stem)
    if show.as_json:
        print_json(described(cutting, files))
    elif not show.quiet:
        show_cutting(cutting, files)


def _files(path: Path) -> dict[str, Path]:
    """The edit list and the files beside it."""
    from lipsync_core.clips.editing import companions

    if path.suffix.lower() != ".json":
        raise OutputError(f"The edit list {path} must end in .json.", "Name it talk.edits.json.")
    if not path.parent.is_dir():
        raise OutputError(
            f"The folder {path.parent} does not exist.", f"Create it: mkdir -p {path.parent}"
        )
    return companions(path) | {"edits": path}
