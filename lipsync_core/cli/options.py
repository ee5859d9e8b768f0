"""The groups of options that verbs share, and the request record that each of them makes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lipsync_core.cli.flags import VideoTrack
from lipsync_core.errors import UsageError
from lipsync_core.requests import (
    EncoderChoice,
    Fit,
    Interlaced,
    PluginSettings,
    Precision,
    Silence,
    TargetRequest,
)

if TYPE_CHECKING:
    from lipsync_core.running.progress import Progress

__all__ = [
    "ChainOptions",
    "DetectorOptions",
    "FaceOptions",
    "OutputOptions",
    "PluginOptions",
    "Precision",
    "ShowOptions",
    "TargetOptions",
    "VideoOptions",
]

_TARGET, _PLUGINS, _CHAIN = "Target", "Plugins", "Generators"
_VIDEO, _OUTPUT = "Video", "Output"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceOptions:
    """Which of the faces, in which of the video's tracks."""

    face: Annotated[
        str,
        typer.Option(
            metavar="RULE",
            help="Which face: largest, center, id:N (see `lipsync faces`) or point:x,y in pixels.",
            rich_help_panel=_TARGET,
        ),
    ] = "largest"
    video_track: VideoTrack = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetOptions(FaceOptions):
    """Which face, and how a still picture becomes a video."""

    still: Annotated[
        bool,
        typer.Option(
            "--still",
            help="Keep a picture still: no blinking, no swaying.",
            rich_help_panel=_TARGET,
        ),
    ] = False
    fps: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Frame rate of a video made from pictures, in frames a second.",
            rich_help_panel=_TARGET,
        ),
    ] = 25
    no_face_checks: Annotated[
        bool,
        typer.Option(
            "--no-face-checks",
            help="Give bowed heads, doubtful faces and covered mouths a new mouth too.",
            rich_help_panel=_TARGET,
        ),
    ] = False
    interlaced: Annotated[
        Interlaced,
        typer.Option(
            help="Interlaced video: make whole frames of it, or keep its fields.",
            rich_help_panel=_TARGET,
        ),
    ] = "deinterlace"

    def request(self, path: Path) -> TargetRequest:
        """The face in a file."""
        return TargetRequest(
            path=path,
            face=self.face,
            idle=not self.still,
            fps=self.fps,
            face_checks=not self.no_face_checks,
            video_track=self.video_track,
            interlaced=self.interlaced,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorOptions:
    """Which face detector."""

    detector: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Face detector. Default: the built-in one.",
            rich_help_panel=_PLUGINS,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginOptions(DetectorOptions):
    """Which detector, and how all plugins work."""

    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME.KEY=VALUE",
            help="An option of a plugin (see `lipsync plugins info NAME`); may be repeated.",
            rich_help_panel=_PLUGINS,
        ),
    ] = None
    device: Annotated[
        str,
        typer.Option(
            metavar="DEVICE", help="auto, cpu, cuda, cuda:N or mps.", rich_help_panel=_PLUGINS
        ),
    ] = "auto"
    precision: Annotated[
        Precision, typer.Option(help="Precision of the networks.", rich_help_panel=_PLUGINS)
    ] = "auto"
    seed: Annotated[
        int,
        typer.Option(metavar="N", help="Seed of the random numbers.", rich_help_panel=_PLUGINS),
    ] = 0
    commercial_only: Annotated[
        bool,
        typer.Option(
            "--commercial-only",
            help="Use only plugins whose weights may be used commercially.",
            rich_help_panel=_PLUGINS,
        ),
    ] = False

    def settings(self) -> PluginSettings:
        """The settings of the plugins.

        Raises:
            UsageError: an option that is not understood.
        """
        return PluginSettings(
            detector=self.detector,
            options=_by_plugin(self.option or []),
            device=self.device,
            precision=self.precision,
            seed=self.seed,
            commercial_only=self.commercial_only,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainOptions(PluginOptions):
    """Which generators are tried, and what is done with their pictures."""

    generator: Annotated[
        str | None,
        typer.Option(
            "--generator",
            "-g",
            metavar="NAME",
            help="Generator to use. Default: the built-in one.",
            rich_help_panel=_CHAIN,
        ),
    ] = None
    fallback: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Generator to try next; may be repeated.",
            rich_help_panel=_CHAIN,
        ),
    ] = None
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Do not fall back to the built-in generator.",
            rich_help_panel=_CHAIN,
        ),
    ] = False
    isolate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Run this generator in a process of its own, so that a crash only moves on to the next "
            "generator; may be repeated.",
            rich_help_panel=_CHAIN,
        ),
    ] = None
    blender: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Blender, which puts the new mouth into the frame.",
            rich_help_panel=_PLUGINS,
        ),
    ] = "feather"
    enhance: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:STRENGTH]",
            help="Enhancer, with a strength from 0 to 1, such as sharpen:0.5; may be repeated.",
            rich_help_panel=_PLUGINS,
        ),
    ] = None

    def settings(self) -> PluginSettings:
        """The settings of the plugins.

        Raises:
            UsageError: an option that is not understood, or a fallback without a generator.
        """
        if self.fallback and not self.generator:
            raise UsageError(
                "--fallback needs a generator to fall back from.", "Add --generator NAME."
            )
        first = [self.generator] if self.generator else []
        return replace(
            PluginOptions.settings(self),
            generators=tuple(dict.fromkeys([*first, *(self.fallback or [])])),
            strict=self.strict,
            isolate=tuple(dict.fromkeys(self.isolate or [])),
            blender=self.blender,
            enhancers=tuple(_enhancer(text) for text in self.enhance or []),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoOptions:
    """What the video shows, and how it is encoded."""

    fit: Annotated[
        Fit,
        typer.Option(help="What the target does when the audio is longer.", rich_help_panel=_VIDEO),
    ] = "bounce"
    silence: Annotated[
        Silence,
        typer.Option(
            help="The mouth while nobody speaks: closed, as in the target, or as generated.",
            rich_help_panel=_VIDEO,
        ),
    ] = "close"
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Video encoder, such as libx265 or h264_nvenc.",
            rich_help_panel=_VIDEO,
        ),
    ] = None
    crf: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Quality: a lower number gives a better and larger video.",
            rich_help_panel=_VIDEO,
        ),
    ] = None
    preset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Speed of the encoder.", rich_help_panel=_VIDEO),
    ] = None

    @property
    def encoding(self) -> EncoderChoice:
        """How the video is encoded."""
        return EncoderChoice(encoder=self.encoder, crf=self.crf, preset=self.preset)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """Where the video goes, and what is done with it."""

    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Video to make: .mp4, .mov, .mkv or .webm; with --tasks the folder for all videos.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None
    no_overwrite: Annotated[
        bool,
        typer.Option(
            "--no-overwrite", help="Do not replace an existing output.", rich_help_panel=_OUTPUT
        ),
    ] = False
    no_provenance: Annotated[
        bool,
        typer.Option(
            "--no-provenance",
            help="Do not mark the video as AI-edited (the report still says so).",
            rich_help_panel=_OUTPUT,
        ),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOptions:
    """What is shown on the terminal."""

    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print the result as JSON on stdout.", rich_help_panel=_OUTPUT),
    ] = False
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Show nothing but errors.", rich_help_panel=_OUTPUT),
    ] = False

    @property
    def silent(self) -> bool:
        """Neither progress nor tables."""
        return self.quiet or self.as_json

    def progress(self) -> AbstractContextManager[Progress]:
        """A listener that shows the progress, unless it is to be silent."""
        from lipsync_core.cli.progress import progress

        return progress(self.silent)


def _by_plugin(given: list[str]) -> dict[str, dict[str, str]]:
    """`NAME.KEY=VALUE` words as plugin name -> option -> value."""
    found: dict[str, dict[str, str]] = {}
    for text in given:
        left, equals, value = text.partition("=")
        name, dot, key = left.partition(".")
        if not (equals and dot and name and key):
            raise UsageError(
                f"--option {text} is not understood.",
                "Use NAME.KEY=VALUE, such as musetalk.bbox_shift=3.",
            )
        found.setdefault(name, {})[key] = value
    return found


def _enhancer(text: str) -> tuple[str, float | None]:
    """`NAME` or `NAME:STRENGTH` as (name, strength or None)."""
    name, _, strength = text.partition(":")
    try:
        value = float(strength) if strength else None
    except ValueError:
        value = -1.0
    if value is not None and not 0.0 <= value <= 1.0:
        raise UsageError(
            f"--enhance {text}: the strength must be a number from 0 to 1.", f"Use {name}:0.7."
        )
    return name, value
