"""`lipsync eval`: figures and a plot for any lip-synced video."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from lipsync_core.cli import options


def evaluate(
    video: Annotated[Path, typer.Argument(metavar="OUT", help="The lip-synced video.")],
    reference: Annotated[
        Path | None, typer.Option(help="The same frames with the true mouth, to compare with.")
    ] = None,
    audio: Annotated[
        Path | None, typer.Option(help="The voice it should fit. Default: its own sound.")
    ] = None,
    phones: Annotated[
        Path | None,
        typer.Option(help="When which phone was spoken: TextGrid, CTM, or start, end, phone."),
    ] = None,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output", "-o", help="File to write: .html, .png or .json; may be repeated."
        ),
    ] = None,
    scorer: Annotated[
        list[str] | None,
        typer.Option(help="Scorer to use; may be repeated. Default: all that can run here."),
    ] = None,
    face_rule: options.FaceRule = "largest",
    detector: options.Detector = None,
    device: options.Device = "auto",
    option: options.Setting = None,
    as_json: Annotated[bool, typer.Option("--json", help="Figures as data on stdout.")] = False,
) -> None:
    """Judge a lip-synced video, made by lipsync or by any other tool.

    Shift and correlation of mouth and voice, lips closed on p, b and m, SyncNet's LSE-C and LSE-D where its
    weights are, flicker, faces found, lengths; with a reference also likeness inside and outside the mouth.

    For example:

    - `lipsync eval dubbed.mp4 -o dubbed.html`
    - `lipsync eval theirs.mp4 --audio voice.wav --reference original.mp4 --json`
    """
    from lipsync_core.cli.console import ShownProgress, print_json, stdout
    from lipsync_core.cli.summary import show_figures
    from lipsync_core.evaluation.evaluate import evaluate as judge
    from lipsync_core.evaluation.figures import plain
    from lipsync_core.evaluation.page import check_form, write
    from lipsync_core.evaluation.request import EvalRequest
    from lipsync_core.requests import PluginSettings
    from lipsync_core.running.progress import Progress

    files = [check_form(path) for path in output or []]
    request = EvalRequest(
        video=video,
        reference=reference,
        audio=audio,
        phones=phones,
        face=face_rule,
        scorers=tuple(scorer or ()),
        plugins=PluginSettings(detector=detector, device=device, options=options.settings(option)),
    )
    with nullcontext(Progress()) if as_json else ShownProgress() as progress:
        told = judge(request, progress)
        for path in files:
            write(told, path)
    if as_json:
        print_json(plain(told))
    else:
        show_figures(told, stdout)
