"""`lipsync clips build`: an index of the clips in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lipsync_core.cli.clips.cutting import LibraryArgument
from lipsync_core.cli.groups import option_groups
from lipsync_core.cli.options import DetectorOptions, ShowOptions
from lipsync_core.errors import UsageError

if TYPE_CHECKING:
    from lipsync_core.clips.library import FormChoice, Library

Filling = Literal["pad", "crop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormOptions:
    """What videos of the library are like."""

    size: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Size of videos in pixels, such as 1280x720. Default: that of most of the clips.",
        ),
    ] = None
    fps: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="Frames a second of videos, such as 25 or 30000/1001. Default: those of most clips.",
        ),
    ] = None
    conform: Annotated[
        Filling,
        typer.Option(help="Clips of another aspect: add bars, or cut their edges off."),
    ] = "pad"

    def choice(self) -> FormChoice:
        """The choice for the library.

        Raises:
            UsageError: a size or rate that is not understood.
        """
        from lipsync_core.clips.library import FormChoice

        return FormChoice(size=_size(self.size), fps=_rate(self.fps), filling=self.conform)


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()):
        raise UsageError(f"--size {text} is not understood.", "Use WxH, such as 1280x720.")
    return int(width), int(height)


def _rate(text: str | None) -> Fraction | None:
    try:
        return None if text is None else Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"--fps {text} is not understood.", "Use a number, such as 25.") from None


@option_groups
def build(
    library: LibraryArgument,
    *,
    form: FormOptions,
    faces: DetectorOptions,
    show: ShowOptions,
) -> None:
    """Index the clips of LIBRARY.

    Measures kind, length, faces and speech of the clips that are new or have changed. The kind is taken
    from the folder or name (talk/, silence_03.mp4), or else by the sound. Where it is wrong, change
    "kind" in LIBRARY/clips.json; your change is kept.

    Clips of different sizes and frame rates go together: videos get the form in which most of the time was
    recorded, or the one you choose, and the other clips are scaled and shown at that rate.

    Examples:
    - `lipsync clips build recordings/`
    - `lipsync clips build recordings/ --size 1280x720 --fps 25 --conform crop`
    """
    from rich.markup import escape

    from lipsync_core.cli.console import print_json, stdout
    from lipsync_core.clips.library import INDEX
    from lipsync_core.clips.library import build as index

    with show.progress() as progress:
        found, measured = index(library, faces.detector, progress, form.choice())
    if show.as_json:
        print_json(found.as_dict() | {"measured": measured})
    elif not show.quiet:
        _show_library(found)
        stdout.print(
            f"{len(found.of('talk'))} talk, {len(found.of('silence'))} silence, {measured} measured now: "
            f"[bold]{escape(str(library / INDEX))}[/]",
            soft_wrap=True,
        )


def _show_library(library: Library) -> None:
    from rich.markup import escape
    from rich.table import Table

    from lipsync_core.cli.console import stderr, stdout

    table = Table("clip", box=None, padding=(0, 2, 0, 0))
    table.add_column("kind")
    table.add_column("decided by")
    for title in ("seconds", "speech", "face"):
        table.add_column(title, justify="right")
    for entry in library.entries:
        speech = "-" if entry.speech is None else f"{entry.speech:.0%}"
        lacking = entry.kind == "talk" and entry.face < 0.5
        face = f"[yellow]{entry.face:.0%}[/]" if lacking else f"{entry.face:.0%}"
        table.add_row(
            escape(entry.file), entry.kind, entry.because, f"{entry.seconds:.2f}", speech, face
        )
    stdout.print(table)
    stdout.print(f"videos: {library.form}")
    for entry in library.others:
        stderr.print(
            f"[yellow]conformed:[/] {escape(entry.file)} was recorded with {entry.form}",
            soft_wrap=True,
        )
    for name, reason in library.unusable.items():
        stderr.print(f"[yellow]not used:[/] {escape(name)}: {escape(reason)}", soft_wrap=True)
