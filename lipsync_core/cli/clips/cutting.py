"""What `lipsync clips edit` and `lipsync clips render` share: the library, the pace, what was cut."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from lipsync_core.clips.cutting import Pace
    from lipsync_core.clips.editing import Cutting

LIBRARY_HELP = "Folder with talk and silence clips."
LibraryArgument = Annotated[Path, typer.Argument(metavar="LIBRARY", help=LIBRARY_HELP)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceOptions:
    """How quickly clips follow each other."""

    min_silence: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", help="Pauses shorter than this do not show a silence clip."
        ),
    ] = 1.0
    min_shot: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", help="Show no clip for less than this where it can be avoided."
        ),
    ] = 1.0

    def pace(self) -> Pace:
        """The pace for the cutter."""
        from lipsync_core.clips.cutting import Pace

        return Pace(silence=self.min_silence, shortest=self.min_shot)


def described(cutting: Cutting, files: dict[str, Path]) -> dict[str, Any]:
    """What was cut and where it was written, as plain data."""
    return cutting.as_dict() | {name: str(path) for name, path in files.items()}


def show_cutting(cutting: Cutting, files: dict[str, Path]) -> None:
    """Write what was cut, and the names of the files, to stderr."""
    from rich.markup import escape

    from lipsync_core.cli.console import stderr

    told: dict[str, Any] = cutting.as_dict()
    stderr.print(
        f"{told['edit_count']} edits of {told['clip_count']} clips for {told['seconds']:.2f} s: "
        f"{told['seconds_of_talk']:.2f} s talk, {told['seconds_of_silence']:.2f} s silence, "
        f"{told['seconds_held']:.2f} s held",
        soft_wrap=True,
    )
    stderr.print(escape(", ".join(str(path) for path in files.values())), soft_wrap=True)
