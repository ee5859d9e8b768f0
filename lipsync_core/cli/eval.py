"""`lipsync eval`: figures and a plot for any lip-synced video."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from lipsync_core.cli.flags import AudioTrack
from lipsync_core.cli.groups import option_groups
from lipsync_core.cli.options import FaceOptions, PluginOptions, ShowOptions
from lipsync_core.evaluation.request import EvalRequest

_PHONES_HELP = "Times of the phones that are spoken: TextGrid, CTM, or lines of start, end, phone."


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeOptions:
    """What the video is compared with, by whom, and the pages to write."""

    reference: Annotated[
        Path | None,
        typer.Option(metavar="VIDEO", help="The same frames with the true mouth."),
    ] = None
    audio: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The audio it should fit. Default: its own sound."),
    ] = None
    audio_track: AudioTrack = None
    phones: Annotated[Path | None, typer.Option(metavar="FILE", help=_PHONES_HELP)] = None
    scorer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Scorer to use; may be repeated. Default: all that can run here."
        ),
    ] = None
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help=".html, .png or .json to write; may be repeated."
        ),
    ] = None

    def request(self, video: Path, face: FaceOptions, plugins: PluginOptions) -> EvalRequest:
        """The video to judge."""
        return EvalRequest(
            video=video,
            reference=self.reference,
            audio=self.audio,
            phones=self.phones,
            face=face.face,
            scorers=tuple(self.scorer or ()),
            plugins=plugins.settings(),
            video_track=face.video_track,
            audio_track=self.audio_track,
        )


@option_groups
def evaluate(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="The lip-synced video.")],
    *,
    judge: JudgeOptions,
    face: FaceOptions,
    plugins: PluginOptions,
    show: ShowOptions,
) -> None:
    """Judge how well a video is lip-synced, whichever tool made it.

    Measures the offset and the correlation of mouth and audio, lips closed on p, b and m, SyncNet's LSE-C
    and LSE-D where its weights are installed, flicker, faces found and lengths; with --reference also the
    likeness inside and outside the mouth.

    Examples:
    - `lipsync eval dubbed.mp4 -o dubbed.html`
    - `lipsync eval theirs.mp4 --audio voice.wav --reference original.mp4 --json`
    """
    from lipsync_core.cli.console import print_json, stdout
    from lipsync_core.cli.summary import show_figures
    from lipsync_core.evaluation.evaluate import evaluate as measure
    from lipsync_core.evaluation.figures import plain
    from lipsync_core.evaluation.page import check_form, write

    files = [check_form(path) for path in judge.output or []]
    with show.progress() as progress:
        told = measure(judge.request(video, face, plugins), progress)
        for path in files:
            write(told, path)
    if show.as_json:
        print_json(plain(told))
    elif not show.quiet:
        show_figures(told, stdout)
