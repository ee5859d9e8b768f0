"""`lipsync run`: the main job."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lipsync_core.cli import options
from lipsync_core.cli.execution import RunMode, execute
from lipsync_core.errors import Cancelled, LipsyncError, UsageError

if TYPE_CHECKING:
    from lipsync_core.requests import RunRequest

_SAMPLE = "No inputs given: using the bundled portrait (NASA) and voice (LibriVox)."


class Fit(StrEnum):
    """Choices of `--fit`."""

    bounce = "bounce"
    loop = "loop"
    hold = "hold"
    cut = "cut"


class Silence(StrEnum):
    """Choices of `--silence`."""

    close = "close"
    keep = "keep"
    generate = "generate"


def run(
    face: Annotated[
        Path | None,
        typer.Argument(
            help="Video, GIF, picture or folder of pictures with the face. Default: a bundled portrait."
        ),
    ] = None,
    audio: Annotated[
        Path | None,
        typer.Argument(help="The voice: any file with sound. Default: a bundled voice."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Video to make: .mp4, .mov, .mkv or .webm; with --tasks the folder for all.",
        ),
    ] = None,
    tasks: Annotated[
        Path | None,
        typer.Option(
            help="YAML file with several runs: task_0: {video_path, audio_path}, with result_name and "
            "options of the generator (bbox_shift) where wanted."
        ),
    ] = None,
    generator: options.Generator = None,
    fallback: options.Fallback = None,
    isolate: options.Isolate = None,
    strict: options.Strict = False,
    face_rule: options.FaceRule = "largest",
    fit: Annotated[
        Fit, typer.Option(help="What the target does when the voice is longer.")
    ] = Fit.bounce,
    silence: Annotated[
        Silence, typer.Option(help="The mouth in silence: closed, as in the target, as generated.")
    ] = Silence.close,
    still: Annotated[
        bool, typer.Option("--still", help="A picture keeps still: no blinking, no swaying.")
    ] = False,
    fps: Annotated[int, typer.Option(help="Frames a second of a video made from pictures.")] = 25,
    detector: options.Detector = None,
    blender: options.Blender = "feather",
    enhance: options.Enhance = None,
    option: options.Setting = None,
    device: options.Device = "auto",
    precision: options.Precision = options.PrecisionChoice.auto,
    commercial_only: Annotated[
        bool,
        typer.Option(
            "--commercial-only", help="Only plugins whose weights may be used commercially."
        ),
    ] = False,
    encoder: Annotated[
        str | None, typer.Option(help="Video encoder, for example libx265 or h264_nvenc.")
    ] = None,
    crf: Annotated[int | None, typer.Option(help="Quality: lower is better and larger.")] = None,
    preset: Annotated[str | None, typer.Option(help="Speed of the encoder.")] = None,
    seed: options.Seed = 0,
    no_provenance: Annotated[
        bool,
        typer.Option(
            "--no-provenance", help="Do not mark the video as AI-edited (the report does)."
        ),
    ] = False,
    no_overwrite: Annotated[
        bool, typer.Option("--no-overwrite", help="Refuse to replace an existing output.")
    ] = False,
    evaluate: Annotated[
        bool,
        typer.Option(
            "--eval",
            help="Judge the video when it is made, as `lipsync eval` does; see the report.",
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report (or plan) as JSON on stdout.")
    ] = False,
    quiet: options.Quiet = False,
) -> None:
    """Make FACE speak AUDIO.

    For example:

    - `lipsync run portrait.jpg voice.wav -o talk.mp4`
    - `lipsync run clip.mp4 dub.m4a -o dubbed.mp4 --generator latentsync --fallback musetalk`
    - `lipsync run --tasks inference.yaml -o results --generator musetalk`
    - `lipsync run` (a bundled portrait and voice, to see that it works)

    A run that was stopped or killed goes on where it was when the same command is given again. Several tasks
    end with the exit code of the worst of them.
    """
    from lipsync_core.cli.console import print_json
    from lipsync_core.requests import EncoderChoice, RunRequest

    if tasks is not None and (face is not None or audio is not None):
        raise UsageError(
            "--tasks names the inputs itself.", "Leave out FACE and AUDIO, or leave out --tasks."
        )
    folder = output or Path()
    face, audio, output, sample = _files(face, audio, output)
    request = RunRequest.of(
        face,
        audio,
        output,
        generators=options.chain(generator, fallback),
        isolate=tuple(dict.fromkeys(isolate or [])),
        strict=strict,
        detector=detector,
        blender=blender,
        enhancers=options.enhancers(enhance),
        face=face_rule,
        fit=fit.value,
        silence=silence.value,
        idle=not still,
        fps=fps,
        device=device,
        precision=precision.value,
        options=options.settings(option),
        commercial_only=commercial_only,
        provenance=not no_provenance,
        seed=seed,
        encoding=EncoderChoice(encoder=encoder, crf=crf, preset=preset),
        overwrite=not no_overwrite,
    )
    mode = RunMode(dry_run=dry_run, evaluate=evaluate, silent=quiet or as_json)
    if tasks is not None:
        code, each = _all(tasks, request, folder, mode)
        if as_json:
            print_json({"tasks": each, "exit_code": code})
        raise typer.Exit(code)
    told = execute(request, mode, "" if not sample else _SAMPLE)
    if as_json:
        print_json(told)


def _all(
    path: Path, like: RunRequest, folder: Path, mode: RunMode
) -> tuple[int, list[dict[str, Any]]]:
    """Each task of a file; the exit code of the worst, and what became of each.

    Raises:
        LipsyncError: the file cannot be used, so that nothing was begun; or the user stopped.
    """
    from lipsync_core.cli.console import failure, show_error
    from lipsync_core.cli.tasks import read, requests
    from lipsync_core.registry import Registry

    registry = Registry.load()
    jobs = list(requests(read(path), like, folder, registry))
    code, each = 0, []
    for name, request in jobs:
        note = f"{name}: {request.target.path} with {request.audio}"
        try:
            told = execute(request, mode, note, registry)
        except Cancelled:
            raise
        except LipsyncError as error:
            show_error(error, about=name)
            code, told = max(code, error.exit_code), failure(error)
        each.append({"task": name, **told})
    return code, each


def _files(
    face: Path | None, audio: Path | None, output: Path | None
) -> tuple[Path, Path, Path, bool]:
    """Inputs and output with the defaults filled in, and whether the bundled sample is used."""
    if face is not None and audio is None:
        raise UsageError(
            f"A voice is missing: only {face} was given.", "lipsync run FACE AUDIO -o OUT.mp4"
        )
    if face is None or audio is None:
        from lipsync_core import samples

        return samples.portrait(), samples.voice(), output or Path("lipsync-demo.mp4"), True
    return face, audio, output or Path(f"{face.absolute().stem}-lipsync.mp4"), False
