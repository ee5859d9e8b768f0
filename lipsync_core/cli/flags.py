"""Single options that many verbs have, each with one wording. Groups of options: options.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Audio", "AudioTrack", "Json", "VideoTrack", "Yes"]

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
Audio = Annotated[
    Path, typer.Option("--audio", metavar="FILE", help="The audio: any file with sound.")
]
AudioTrack = Annotated[
    str | None,
    typer.Option(
        metavar="TRACK",
        help="Which of several sound tracks: its number from 0, or a language such as deu. Default: the one "
        "that the file marks as its default.",
    ),
]
VideoTrack = Annotated[
    str | None,
    typer.Option(
        metavar="TRACK",
        help="Which of several video tracks, like --audio-track.",
        rich_help_panel="Target",
    ),
]
