"""Groups of options become parameters for typer, and request records for the engine."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Literal, get_args, get_type_hints

import pytest
import typer
from commandline import lipsync

from lipsync_core.cli import options
from lipsync_core.cli.groups import option_groups
from lipsync_core.cli.lazy import command
from lipsync_core.cli.options import (
    ChainOptions,
    OutputOptions,
    PluginOptions,
    ShowOptions,
    TargetOptions,
    VideoOptions,
)
from lipsync_core.errors import UsageError
from lipsync_core.requests import (
    EncoderChoice,
    Fit,
    PluginSettings,
    RunRequest,
    Silence,
    TargetRequest,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeOptions:
    """For tests."""

    width: Annotated[int, typer.Option(metavar="N", help="In pixels.")]
    colour: Annotated[Literal["red", "blue"], typer.Option(help="Of it.")] = "red"
    tag: Annotated[list[str] | None, typer.Option(help="Some words.")] = None


def parsed(verb, *words: str):
    """What the verb was called with."""
    command(verb).main(list(words), prog_name="verb", standalone_mode=False)


def test_a_group_is_written_out_and_handed_back():
    seen = []

    @option_groups
    def verb(file: Path, *, size: SizeOptions, loud: bool = False) -> None:
        """Do it."""
        seen.append((file, size, loud))

    parsed(verb, "a.txt", "--width", "3", "--tag", "x", "--tag", "y", "--loud")
    parsed(verb, "--width", "4", "b.txt", "--colour", "blue")
    assert seen == [
        (Path("a.txt"), SizeOptions(width=3, tag=["x", "y"]), True),
        (Path("b.txt"), SizeOptions(width=4, colour="blue"), False),
    ]
    assert verb.__doc__ == "Do it."


@pytest.mark.parametrize(
    "words", [("a.txt",), ("a.txt", "--width", "x"), ("a.txt", "--width", "1", "--colour", "green")]
)
def test_a_wrong_value_of_a_group_is_a_usage_error(words: tuple[str, ...]):
    @option_groups
    def verb(file: Path, *, size: SizeOptions) -> None:
        raise AssertionError("must not be called")

    with pytest.raises(SystemExit) as end:
        command(verb).main(list(words), prog_name="verb")
    assert end.value.code == 2


def test_two_groups_must_not_share_a_name():
    def verb(*, one: SizeOptions, width: int) -> None:
        """Never called."""

    with pytest.raises(ValueError, match="width"):
        option_groups(verb)


def made(kind: type, *words: str):
    """A group of options from words on a command line."""
    seen = []

    def verb(*, group) -> None:
        seen.append(group)

    verb.__annotations__["group"] = kind
    parsed(option_groups(verb), *words)
    return seen[0]


def test_defaults_are_those_of_the_request_records():
    request = RunRequest.of("t", "a", "o")
    assert made(TargetOptions).request(Path("t")) == TargetRequest(path=Path("t")) == request.target
    assert made(PluginOptions).settings() == PluginSettings()
    assert made(ChainOptions).settings() == PluginSettings() == request.plugins
    video, out = made(VideoOptions), made(OutputOptions)
    assert video.encoding == EncoderChoice() == request.encoding
    assert (video.fit, video.silence) == (request.fit, request.silence)
    assert (not out.no_provenance, not out.no_overwrite) == (request.provenance, request.overwrite)


def test_every_setting_of_the_records_can_be_chosen():
    chosen = {f.name for kind in (TargetOptions, ChainOptions, VideoOptions) for f in fields(kind)}
    words = {"idle": "still", "path": "face", "enhancers": "enhance", "options": "option"}
    words |= {"generators": "fallback", "face_checks": "no_face_checks"}
    for record in (TargetRequest, PluginSettings, EncoderChoice):
        for field in fields(record):
            assert words.get(field.name, field.name) in chosen, f"{record.__name__}.{field.name}"


def test_choices_are_those_of_the_records():
    hints = get_type_hints(VideoOptions)
    assert get_args(hints["fit"]) == get_args(Fit)
    assert get_args(hints["silence"]) == get_args(Silence)
    assert get_args(options.Precision) == ("auto", "fp32", "bf16", "fp16")


def test_words_become_settings():
    words = (
        "-g", "latentsync", "--fallback", "musetalk", "--fallback", "latentsync", "--fallback", "wav2lip",
        "--strict", "--isolate", "musetalk", "--isolate", "musetalk", "--detector", "d", "--blender", "b",
        "--enhance", "sharpen:0.8", "--enhance", "gfpgan", "--device", "cuda:1", "--precision", "bf16",
        "--seed", "7", "--commercial-only", "--option", "a.x=1", "--option", "a.y=b=c", "--option", "b.x=",
    )  # fmt: skip
    assert made(ChainOptions, *words).settings() == PluginSettings(
        generators=("latentsync", "musetalk", "wav2lip"),
        strict=True,
        isolate=("musetalk",),
        detector="d",
        blender="b",
        enhancers=(("sharpen", 0.8), ("gfpgan", None)),
        device="cuda:1",
        precision="bf16",
        seed=7,
        commercial_only=True,
        options={"a": {"x": "1", "y": "b=c"}, "b": {"x": ""}},
    )
    target = made(TargetOptions, "--face", "id:2", "--still", "--fps", "30").request(Path("x"))
    assert target == TargetRequest(path=Path("x"), face="id:2", idle=False, fps=30)
    video = made(
        VideoOptions, *["--encoder", "libx265", "--crf", "20", "--preset", "slow", "--fit", "loop"]
    )
    assert video.encoding == EncoderChoice(encoder="libx265", crf=20, preset="slow")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--option", "viseme"), "--option viseme is not understood"),
        (("--option", "viseme=3"), "--option viseme=3 is not understood"),
        (("--option", ".x=3"), "is not understood"),
        (("--enhance", "sharpen:much"), "must be a number from 0 to 1"),
        (("--enhance", "sharpen:1.5"), "must be a number from 0 to 1"),
        (("--enhance", "sharpen:nan"), "must be a number from 0 to 1"),
        (("--fallback", "musetalk"), "needs a generator"),
    ],
)
def test_what_is_not_understood(words: tuple[str, ...], told: str):
    with pytest.raises(UsageError, match="--") as error:
        made(ChainOptions, *words).settings()
    assert told in error.value.message and error.value.hint


@pytest.mark.parametrize(("words", "silent"), [((), False), (("-q",), True), (("--json",), True)])
def test_progress_is_shown_unless_silent(words: tuple[str, ...], silent: bool, capsys):
    show = made(ShowOptions, *words)
    assert show.silent is silent
    with show.progress() as progress:
        progress.stage("faces", 2)
        progress.advance(1)
        progress.note("a [note]")
        progress.stage("segments", 1)
    said = capsys.readouterr()
    assert said.out == "" and ("a [note]" in said.err) is not silent


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--crf", "999"), "crf"),
        (("--crf", "x"), "--crf"),
        (("--enhance", "typo"), "typo"),
        (("--generator", "musetolk"), "Did you mean 'musetalk'"),
        (("--detector", "typo"), "typo"),
        (("--blender", "typo"), "typo"),
        (("--fit", "stretch"), "--fit"),
        (("--silence", "loud"), "--silence"),
        (("--precision", "fp8"), "--precision"),
        (("--device", "tpu"), "tpu"),
        (("--encoder", "typo"), "typo"),
        (("--face", "best"), "best"),
        (("--fps", "999"), "--fps"),
        (("--option", "viseme.nothing=1"), "nothing"),
        (("--option", "nobody.x=1"), "nobody"),
        (("--isolate", "nobody"), "nobody"),
    ],
)
def test_an_unknown_value_is_refused_before_anything_is_made(
    face_clip, voice, tmp_path, words, told
):
    done = lipsync("run", face_clip, voice, "-o", "o.mp4", "-q", *words, cwd=tmp_path)
    assert done.returncode in (2, 4, 6), done.stderr
    assert told in done.stderr and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
