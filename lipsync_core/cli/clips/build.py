"""`lipsync clips build`: an index of the clips in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lipsync_core.cli.clips.cutting import LibraryArgument
from lipsync_core.cli.groups import option_groups
from lipsync_core.cli.options import DetectorOptions, ShowOptions

if TYPE_CHECKING:
    from lipsync_core.clips.library import Library


@option_groups
def build(
    library: LibraryArgument,
    *,
    faces: DetectorOptions,
    show: ShowOptions,
) -> None:
    """Index the clips of LIBRARY.

    Measures kind, length, faces and speech of the clips that are new or have changed. The kind is taken
    from the folder or name (talk/, silence_03.mp4), or else by the sound. Where it is wrong, change
    "kind" in LIBRARY/clips.json; your change is kept.

    Example: `lipsync clips build recordings/`
    """
    from rich.markup import escape

    from lipsync_core.cli.console import print_json, stdout
    from lipsync_core.clips.library import INDEX
    from lipsync_core.clips.library import build as index

    with show.progress() as progress:
        found, measured = index(library, faces.detector, progress)
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
    for name, reason in library.unusable.items():
        stderr.print(f"[yellow]not used:[/] {escape(name)}: {escape(reason)}", soft_wrap=True)
