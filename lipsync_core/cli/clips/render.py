"""`lipsync clips render`: a video of recorded clips that speaks an audio."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lipsync_core.cli.clips.cutting import LIBRARY_HELP, PaceOptions, described, show_cutting
from lipsync_core.cli.execution import RunMode, execute
from lipsync_core.cli.flags import Audio, AudioTrack
from lipsync_core.cli.groups import option_groups
from lipsync_core.cli.options import ChainOptions, ShowOptions
from lipsync_core.errors import UsageError
from lipsync_core.requests import RunRequest, TargetRequest

if TYPE_CHECKING:
    from lipsync_core.clips.editing import Cutting

_OUTPUT_HELP = "Video to make: .mp4, .mov, .mkv or .webm."
_EDITS_HELP = "Edit list to render, instead of making one."

_Library = Annotated[Path | None, typer.Argument(metavar="LIBRARY", help=LIBRARY_HELP)]
_Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help=_OUTPUT_HELP)]
_Edits = Annotated[Path | None, typer.Option(metavar="FILE", help=_EDITS_HELP)]


@option_groups
def render(
    library: _Library = None,
    *,
    audio: Audio,
    audio_track: AudioTrack = None,
    output: _Output = None,
    edits: _Edits = None,
    pace: PaceOptions,
    chain: ChainOptions,
    show: ShowOptions,
) -> None:
    """Make a video of LIBRARY that speaks an audio.

    Talk clips get a new mouth, silence clips are shown as they are. The edit list, an EDL and a plot are
    written beside the video; change the list and render it with --edits. `lipsync run talk.edits.json
    talk.wav` has further options.

    Examples:
    - `lipsync clips render recordings/ --audio talk.wav -o talk.mp4 --generator musetalk`
    - `lipsync clips render --edits talk.edits.json --audio talk.wav -o talk.mp4`
    """
    from lipsync_core.media.output import beside

    output = output or beside(Path(audio.stem), "-clips.mp4")
    cutting, files = _cut(library, audio, audio_track, output, edits, pace)
    if not show.silent:
        show_cutting(cutting, files)
    request = RunRequest(
        target=TargetRequest(path=files["edits"]),
        audio=audio,
        audio_track=audio_track,
        output=output,
        plugins=chain.settings(),
    )
    told = execute(request, RunMode(silent=show.silent))
    if show.as_json:
        from lipsync_core.cli.console import print_json

        print_json(told | {"clips": described(cutting, files)})


def _cut(
    library: Path | None,
    audio: Path,
    audio_track: str | None,
    output: Path,
    edits: Path | None,
    pace: PaceOptions,
) -> tuple[Cutting, dict[str, Path]]:
    """Read or make the edit list, and write it and its companions beside the video."""
    from lipsync_core.clips.editing import companions, edited, given, write
    from lipsync_core.clips.library import read
    from lipsync_core.media.edits import read_edits
    from lipsync_core.media.output import check_output

    files = companions(output)
    check_output(output, [path for path in (audio, edits) if path is not None])
    if edits is not None:
        if library is not None:
            raise UsageError("--edits names the clips itself.", "Omit LIBRARY, or --edits.")
        files["edits"] = edits
        cutting = given(read_edits(edits), audio, audio_track)
    elif library is None:
        raise UsageError("LIBRARY is missing.", "Use lipsync clips render LIBRARY --audio FILE.")
    else:
        cutting = edited(read(library), audio, pace.pace(), audio_track)
    write(cutting, files, output.stem)
    return cutting, files
