"""`lipsync clips build|edit|render`: a video cut from recorded clips to fit a voice."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from lipsync_core.cli import options
from lipsync_core.errors import OutputError, UsageError

if TYPE_CHECKING:
    from lipsync_core.clips.cutting import Pace
    from lipsync_core.clips.editing import Cutting
    from lipsync_core.clips.library import Library

app = typer.Typer(
    help="Videos cut from recorded clips: talk where the voice speaks, silence where it rests.",
    no_args_is_help=True,
)

_Folder = Annotated[
    Path, typer.Argument(metavar="LIBRARY", help="Folder with talk and silence clips.")
]
_Voice = Annotated[Path, typer.Option("--voice", "-v", help="The voice: any file with sound.")]
_MinSilence = Annotated[
    float,
    typer.Option("--min-silence", help="Shorter pauses do not lead to a silence clip; seconds."),
]
_MinShot = Annotated[
    float,
    typer.Option("--min-shot", help="No clip is shown for less where it can be avoided; seconds."),
]
_Json = Annotated[bool, typer.Option("--json", help="Print as JSON on stdout.")]


@app.command("build")
def build(
    library: _Folder,
    detector: options.Detector = None,
    as_json: _Json = False,
) -> None:
    """Index the clips of LIBRARY: kind, length, faces, speech. What has not changed is not measured again.

    A clip's kind is told by its folder or name (talk/, silence_03.mp4), or else by its own sound. Where
    that is wrong, correct "kind" in LIBRARY/clips.json; it stays corrected.

    Example: `lipsync clips build recordings/`
    """
    from lipsync_core.cli.console import ShownProgress, print_json, stdout
    from lipsync_core.clips.library import INDEX
    from lipsync_core.clips.library import build as index
    from lipsync_core.running.progress import Progress

    with nullcontext(Progress()) if as_json else ShownProgress() as progress:
        found, measured = index(library, detector, progress)
    if as_json:
        print_json(found.as_dict() | {"measured": measured})
        return
    _show_library(found)
    stdout.print(
        f"{len(found.of('talk'))} talk, {len(found.of('silence'))} silence, {measured} measured now: "
        f"[bold]{escape(str(library / INDEX))}[/]"
    )


@app.command("edit")
def edit(
    library: _Folder,
    voice: _Voice,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Edit list to write (.json).")
    ] = None,
    min_silence: _MinSilence = 1.0,
    min_shot: _MinShot = 1.0,
    as_json: _Json = False,
) -> None:
    """Lay the clips of LIBRARY under a voice: an edit list, the same for editing programs (EDL), and a plot.

    The list can be edited and rendered: `lipsync clips render --edits talk.edits.json --voice talk.wav`.

    Example: `lipsync clips edit recordings/ --voice talk.wav`
    """
    from lipsync_core.cli.console import print_json
    from lipsync_core.clips.editing import edited, write
    from lipsync_core.clips.library import read

    files = _beside_list(output or Path(f"{voice.stem}.edits.json"))
    cutting = edited(read(library), voice, _pace(min_silence, min_shot))
    write(cutting, files, voice.stem)
    told = cutting.as_dict() | {name: str(path) for name, path in files.items()}
    if as_json:
        print_json(told)
    else:
        _show_cutting(cutting, files)


@app.command("render")
def render(
    library: Annotated[
        Path | None, typer.Argument(metavar="LIBRARY", help="Folder with talk and silence clips.")
    ] = None,
    voice: _Voice = ...,  # type: ignore[assignment]  # typer: it must be given
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Video to make: .mp4, .mov, .mkv or .webm."),
    ] = None,
    edits: Annotated[
        Path | None, typer.Option(help="Edit list to render, instead of making one.")
    ] = None,
    generator: options.Generator = None,
    fallback: options.Fallback = None,
    isolate: options.Isolate = None,
    strict: options.Strict = False,
    min_silence: _MinSilence = 1.0,
    min_shot: _MinShot = 1.0,
    detector: options.Detector = None,
    blender: options.Blender = "feather",
    enhance: options.Enhance = None,
    option: options.Setting = None,
    device: options.Device = "auto",
    precision: options.Precision = options.PrecisionChoice.auto,
    seed: options.Seed = 0,
    as_json: _Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make a video from the clips of LIBRARY that speaks a voice.

    Talk clips get a new mouth, silence clips are shown as they are, the voice is the sound. The edit list,
    an EDL and a plot are written beside the video; edit the list and render it again with --edits. All
    other options of
    `lipsync run` are there for a list too: `lipsync run talk.edits.json talk.wav`.

    For example:

    - `lipsync clips render recordings/ --voice talk.wav -o talk.mp4 --generator musetalk`
    - `lipsync clips render --edits talk.edits.json --voice talk.wav -o talk.mp4`
    """
    from lipsync_core.cli.console import print_json
    from lipsync_core.cli.execution import RunMode, execute
    from lipsync_core.clips.editing import companions, edited, given, write
    from lipsync_core.clips.library import read
    from lipsync_core.media.edits import read_edits
    from lipsync_core.media.output import check_output
    from lipsync_core.requests import RunRequest

    output = output or Path(f"{voice.stem}-clips.mp4")
    files = companions(output)
    check_output(output, [path for path in (voice, edits) if path is not None])
    if edits is not None:
        if library is not None:
            raise UsageError("--edits names the clips itself.", "Leave out LIBRARY, or --edits.")
        files["edits"] = edits
        cutting = given(read_edits(edits), voice)
    elif library is None:
        raise UsageError("A library is missing.", "lipsync clips render LIBRARY --voice VOICE")
    else:
        cutting = edited(read(library), voice, _pace(min_silence, min_shot))
    write(cutting, files, output.stem)
    if not quiet and not as_json:
        _show_cutting(cutting, files)
    request = RunRequest.of(
        files["edits"],
        voice,
        output,
        generators=options.chain(generator, fallback),
        isolate=tuple(dict.fromkeys(isolate or [])),
        strict=strict,
        detector=detector,
        blender=blender,
        enhancers=options.enhancers(enhance),
        device=device,
        precision=precision.value,
        options=options.settings(option),
        seed=seed,
    )
    told = execute(request, RunMode(dry_run=False, evaluate=False, silent=quiet or as_json))
    if as_json:
        print_json(
            told | {"clips": cutting.as_dict() | {name: str(path) for name, path in files.items()}}
        )


def _pace(min_silence: float, min_shot: float) -> Pace:
    from lipsync_core.clips.cutting import Pace

    return Pace(silence=min_silence, shortest=min_shot)


def _beside_list(path: Path) -> dict[str, Path]:
    """An edit list's file and its companions'."""
    from lipsync_core.clips.editing import companions

    if path.suffix.lower() != ".json":
        raise OutputError(f"The edit list {path} must end in .json.", "Name it talk.edits.json.")
    if not path.parent.is_dir():
        raise OutputError(
            f"The folder {path.parent} does not exist.", f"Create it: mkdir -p {path.parent}"
        )
    return companions(path) | {"edits": path}


def _show_library(library: Library) -> None:
    from lipsync_core.cli.console import stderr, stdout

    table = Table("clip", box=None, padding=(0, 2, 0, 0))
    table.add_column("kind")
    table.add_column("told by")
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


def _show_cutting(cutting: Cutting, files: dict[str, Path]) -> None:
    from lipsync_core.cli.console import stderr

    told: dict[str, Any] = cutting.as_dict()
    stderr.print(
        f"{told['edit_count']} edits of {told['clip_count']} clips for {told['seconds']:.2f} s: "
        f"{told['seconds_of_talk']:.2f} s talk, {told['seconds_of_silence']:.2f} s silence, "
        f"{told['seconds_held']:.2f} s held"
    )
    stderr.print(escape(", ".join(str(path) for path in files.values())), soft_wrap=True)
