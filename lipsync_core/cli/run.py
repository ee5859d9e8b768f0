"""`lipsync run`: make a face in a video or a picture speak."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from lipsync_core.cli.execution import RunMode, execute
from lipsync_core.cli.flags import AudioTrack
from lipsync_core.cli.groups import option_groups
from lipsync_core.cli.options import (
    ChainOptions,
    OutputOptions,
    ShowOptions,
    TargetOptions,
    VideoOptions,
)
from lipsync_core.errors import UsageError
from lipsync_core.requests import RunRequest

_SAMPLE = "No inputs given: using the bundled portrait (NASA) and audio (LibriVox)."
_TASKS_HELP = (
    "YAML file with several runs: task_0: {video_path: FILE, audio_path: FILE}, with result_name and options "
    "of the generator (such as bbox_shift) where wanted."
)
_TARGET_HELP = "Video, GIF, picture, folder of pictures or edit list. Default: a bundled portrait."
_AUDIO_HELP = "Any file with sound. Default: a bundled recording."
_EVAL_HELP = "Judge the video, as `lipsync eval` does; the figures go into the report."

_Target = Annotated[Path | None, typer.Argument(metavar="TARGET", help=_TARGET_HELP)]
_Audio = Annotated[Path | None, typer.Argument(metavar="AUDIO", help=_AUDIO_HELP)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What is done: one run or several, the plan only, figures at the end."""

    tasks: Annotated[Path | None, typer.Option(metavar="FILE", help=_TASKS_HELP)] = None
    evaluate: Annotated[bool, typer.Option("--eval", help=_EVAL_HELP)] = False
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")] = False

    def mode(self, show: ShowOptions) -> RunMode:
        """How runs are made and shown."""
        return RunMode(dry_run=self.dry_run, evaluate=self.evaluate, silent=show.silent)


@option_groups
def run(
    target: _Target = None,
    audio: _Audio = None,
    *,
    audio_track: AudioTrack = None,
    what: RunOptions,
    face: TargetOptions,
    chain: ChainOptions,
    video: VideoOptions,
    out: OutputOptions,
    show: ShowOptions,
) -> None:
    """Make the face in TARGET speak AUDIO.

    Rerun the same command to resume a run that was stopped. With --tasks the exit code is the highest of all
    tasks.

    Examples:
    - `lipsync run portrait.jpg voice.wav -o talk.mp4`
    - `lipsync run clip.mp4 dub.m4a -o dubbed.mp4 --generator latentsync --fallback musetalk`
    - `lipsync run --tasks inference.yaml -o results --generator musetalk`
    - `lipsync run` (a bundled portrait and recording, to see that it works)
    """
    if what.tasks is not None and target is not None:
        raise UsageError("--tasks names the inputs itself.", "Omit TARGET and AUDIO, or --tasks.")
    files = _files(target, audio, out.output)
    request = replace(_request(files, face, chain, video, out), audio_track=audio_track)
    if what.tasks is not None:
        _run_tasks(what.tasks, request, out.output or Path(), what.mode(show), show.as_json)
    told = execute(request, what.mode(show), files.note)
    if show.as_json:
        from lipsync_core.cli.console import print_json

        print_json(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    target: Path
    audio: Path
    output: Path
    note: str = ""


def _files(target: Path | None, audio: Path | None, output: Path | None) -> _Files:
    """The files of a run: as given, or the bundled sample."""
    if target is None:
        from lipsync_core import samples

        output = output or Path("lipsync-demo.mp4")
        target, audio = samples.portrait(), samples.voice()
        return _Files(target=target, audio=audio, output=output, note=_SAMPLE)
    if audio is None:
        raise UsageError(
            f"AUDIO is missing: only {target} was given.",
            "Use lipsync run TARGET AUDIO -o OUTPUT.mp4.",
        )
    from lipsync_core.media.output import beside

    output = output or beside(Path(target.absolute().stem), "-lipsync.mp4")
    return _Files(target=target, audio=audio, output=output)


def _request(
    files: _Files, face: TargetOptions, chain: ChainOptions, video: VideoOptions, out: OutputOptions
) -> RunRequest:
    return RunRequest(
        target=face.request(files.target),
        audio=files.audio,
        output=files.output,
        plugins=chain.settings(),
        fit=video.fit,
        silence=video.silence,
        encoding=video.encoding,
        provenance=not out.no_provenance,
        overwrite=not out.no_overwrite,
    )


def _run_tasks(file: Path, like: RunRequest, folder: Path, mode: RunMode, as_json: bool) -> None:
    """Run each task of a file, and exit with the highest exit code."""
    from lipsync_core.cli.tasks import run_all

    code, each = run_all(file, like, folder, mode)
    if as_json:
        from lipsync_core.cli.console import print_json

        print_json({"tasks": each, "exit_code": code})
    raise typer.Exit(code)
