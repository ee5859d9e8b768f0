"""Options that several verbs share, each with one wording."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from lipsync_core.errors import UsageError


class PrecisionChoice(StrEnum):
    """Choices of `--precision`."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"
    fp16 = "fp16"


Generator = Annotated[str | None, typer.Option("--generator", "-g", help="Generator to use first.")]
Fallback = Annotated[
    list[str] | None, typer.Option("--fallback", help="Generator to try next; may be repeated.")
]
Isolate = Annotated[
    list[str] | None,
    typer.Option(
        "--isolate",
        help="Generator that works in a process of its own, so that its crash is one more reason to "
        "fall back; may be repeated.",
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Never fall back to the embedded default.")]
FaceRule = Annotated[
    str, typer.Option("--face", help="Whose mouth: largest, center, id:N or point:x,y (pixels).")
]
Detector = Annotated[
    str | None, typer.Option("--detector", help="Face detector. Default: the built-in one.")
]
Blender = Annotated[str, typer.Option("--blender", help="How the new mouth is put into the frame.")]
Enhance = Annotated[
    list[str] | None,
    typer.Option(
        "--enhance", help="Enhancer, with its strength if wanted: sharpen:0.5; may be repeated."
    ),
]
Setting = Annotated[
    list[str] | None,
    typer.Option("--option", help="A plugin's setting: NAME.KEY=VALUE; may be repeated."),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.")]
Precision = Annotated[PrecisionChoice, typer.Option("--precision", help="Arithmetic of networks.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed for whatever is random.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]


def chain(generator: str | None, fallback: list[str] | None) -> tuple[str, ...]:
    """The generators in the order in which they are tried.

    Raises:
        UsageError: a fallback without anything to fall back from.
    """
    if fallback and not generator:
        raise UsageError(
            "--fallback without --generator has nothing to fall back from.", "Name one."
        )
    return tuple(dict.fromkeys([*([generator] if generator else []), *(fallback or [])]))


def settings(given: list[str] | None) -> dict[str, dict[str, str]]:
    """`NAME.KEY=VALUE` words as plugin name -> option -> value.

    Raises:
        UsageError: a word of another form.
    """
    found: dict[str, dict[str, str]] = {}
    for text in given or []:
        left, equals, value = text.partition("=")
        name, dot, key = left.partition(".")
        if not (equals and dot and name and key):
            raise UsageError(f"--option {text} is not understood.", "Use NAME.KEY=VALUE.")
        found.setdefault(name, {})[key] = value
    return found


def enhancers(given: list[str] | None) -> tuple[tuple[str, float | None], ...]:
    """`NAME` or `NAME:STRENGTH` words as (name, strength or None).

    Raises:
        UsageError: a strength that is none.
    """
    return tuple(_enhancer(text) for text in given or [])


def _enhancer(text: str) -> tuple[str, float | None]:
    name, _, strength = text.partition(":")
    try:
        value = float(strength) if strength else None
    except ValueError:
        value = -1.0
    if value is not None and not 0.0 <= value <= 1.0:
        raise UsageError(f"--enhance {text}: the strength is a number from 0 to 1.", f"{name}:0.7")
    return name, value
