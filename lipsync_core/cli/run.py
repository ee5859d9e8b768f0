"""`lipsync run`: the main job."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lipsync_core.errors import Cancelled, LipsyncError, UsageError

if TYPE_CHECKING:
    from lipsync_core.engine.progress import Progress
    from lipsync_core.engine.request import RunRequest
    from lipsync_core.registry import Registry

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


class Precision(StrEnum):
    """Choices of `--precision`."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"
    fp16 = "fp16"


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
    generator: Annotated[
        str | None, typer.Option("--generator", "-g", help="Generator to use first.")
    ] = None,
    fallback: Annotated[
        list[str] | None, typer.Option("--fallback", help="Generator to try next; may be repeated.")
    ] = None,
    isolate: Annotated[
        list[str] | None,
        typer.Option(
            help="Generator that works in a process of its own, so that its crash is one more reason to "
            "fall back; may be repeated."
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Never fall back to the embedded default.")
    ] = False,
    face_rule: Annotated[
        str,
        typer.Option("--face", help="Whose mouth: largest, center, id:N or point:x,y (pixels)."),
    ] = "largest",
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
    detector: Annotated[
        str | None, typer.Option(help="Face detector. Default: the built-in one.")
    ] = None,
    blender: Annotated[
        str, typer.Option(help="How the new mouth is put into the frame.")
    ] = "feather",
    enhance: Annotated[
        list[str] | None,
        typer.Option(help="Enhancer, with its strength if wanted: sharpen:0.5; may be repeated."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="A plugin's setting: NAME.KEY=VALUE; may be repeated."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    precision: Annotated[Precision, typer.Option(help="Arithmetic of networks.")] = Precision.auto,
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
    seed: Annotated[int, typer.Option(help="Seed for whatever is random.")] = 0,
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
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
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
    from lipsync_core.engine.request import EncoderChoice, RunRequest

    if fallback and not generator:
        raise UsageError(
            "--fallback without --generator has nothing to fall back from.", "Name one."
        )
    if tasks is not None and (face is not None or audio is not None):
        raise UsageError(
            "--tasks names the inputs itself.", "Leave out FACE and AUDIO, or leave out --tasks."
        )
    folder = output or Path()
    face, audio, output, sample = _files(face, audio, output)
    request = RunRequest(
        face=face,
        audio=audio,
        output=output,
        generators=tuple(dict.fromkeys([*([generator] if generator else []), *(fallback or [])])),
        isolate=tuple(dict.fromkeys(isolate or [])),
        strict=strict,
        detector=detector,
        blender=blender,
        enhancers=tuple(_enhancer(text) for text in enhance or []),
        face_rule=face_rule,
        fit=fit.value,
        silence=silence.value,
        idle=not still,
        fps=fps,
        device=device,
        precision=precision.value,
        options=parse_options(option or []),
        commercial_only=commercial_only,
        provenance=not no_provenance,
        seed=seed,
        encoding=EncoderChoice(encoder=encoder, crf=crf, preset=preset),
        overwrite=not no_overwrite,
    )
    ways = _Ways(dry_run=dry_run, evaluate=evaluate, silent=quiet or as_json)
    if tasks is not None:
        code, each = _all(tasks, request, folder, ways)
        if as_json:
            print_json({"tasks": each, "exit_code": code})
        raise typer.Exit(code)
    told = _one(request, ways, "" if not sample else _SAMPLE)
    if as_json:
        print_json(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ways:
    """How runs are made and told."""

    dry_run: bool
    evaluate: bool
    silent: bool


def _one(
    request: RunRequest, ways: _Ways, note: str = "", registry: Registry | None = None
) -> dict[str, Any]:
    """Plan or make one video, and tell it; the plan or the report."""
    from lipsync_core.cli.console import ShownProgress
    from lipsync_core.cli.summary import show_plan, show_summary
    from lipsync_core.engine import run as engine
    from lipsync_core.engine.progress import Progress
    from lipsync_core.engine.report import write

    shown = nullcontext(Progress()) if ways.silent else ShownProgress()
    with shown as progress:
        if note:
            progress.note(note)
        if ways.dry_run:
            told = engine.plan(request, progress, registry).as_dict()
        else:
            told = engine.run(request, progress, registry)
            if ways.evaluate:
                told["evaluation"] = _judged(request, progress)
                write(told, request.output)
    if not ways.silent:
        (show_plan if ways.dry_run else show_summary)(told)
    return told


def _all(
    path: Path, like: RunRequest, folder: Path, ways: _Ways
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
        note = f"{name}: {request.face} with {request.audio}"
        try:
            told = _one(request, ways, note, registry)
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


def _judged(request: RunRequest, progress: Progress) -> dict[str, Any]:
    """Figures of the video that was just made; the reason instead, where it cannot be judged."""
    from lipsync_core.evaluation.evaluate import evaluate as judge
    from lipsync_core.evaluation.figures import plain
    from lipsync_core.evaluation.request import EvalRequest

    try:
        return plain(judge(EvalRequest.of_run(request), progress))
    except LipsyncError as error:
        progress.note(f"The video is made, but cannot be judged: {error.message} {error.hint}")
        return {"error": error.message, "hint": error.hint}


def _enhancer(text: str) -> tuple[str, float | None]:
    name, _, strength = text.partition(":")
    try:
        value = float(strength) if strength else None
    except ValueError:
        value = -1.0
    if value is not None and not 0.0 <= value <= 1.0:
        raise UsageError(f"--enhance {text}: the strength is a number from 0 to 1.", f"{name}:0.7")
    return name, value


def parse_options(given: list[str]) -> dict[str, dict[str, str]]:
    """`NAME.KEY=VALUE` words as plugin name -> option -> value."""
    found: dict[str, dict[str, str]] = {}
    for text in given:
        left, equals, value = text.partition("=")
        name, dot, key = left.partition(".")
        if not (equals and dot and name and key):
            raise UsageError(f"--option {text} is not understood.", "Use NAME.KEY=VALUE.")
        found.setdefault(name, {})[key] = value
    return found
