"""The table of all verbs. It names them; nothing of a verb is imported before it is called."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from lipsync_core.cli.lazy import Group, Verb, command

__all__ = ["ROOT", "build"]

_MAKE, _JUDGE, _PEOPLE, _SETUP = "Make videos", "Look and judge", "People", "Plugins and weights"


def _version(wanted: bool) -> None:
    if wanted:
        from lipsync_core._version import __version__

        typer.echo(f"lipsync {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", is_eager=True, callback=_version
        ),
    ] = False,
) -> None:
    """Options of `lipsync` itself."""


def _verb(name: str, help_: str, section: str, **more: Any) -> Verb:  # noqa: ANN401
    return Verb(target=f"lipsync_core.cli.{name}", help=help_, section=section, **more)


ROOT = Group(
    help="Make a face in a video or a photo speak a given sound, with the best model that runs here.",
    options=_options,
    plugins="",
    verbs={
        "run": _verb("run:run", "Make the face in TARGET speak AUDIO.", _MAKE),
        "prepare": _verb(
            "prepare:prepare", "Prepare TARGET for a generator, for any audio.", _MAKE
        ),
        "clips": _verb("clips:GROUP", "Cut a video from recorded clips to fit an audio.", _MAKE),
        "faces": _verb("faces:faces", "Draw the face tracks of TARGET on a contact sheet.", _JUDGE),
        "eval": _verb("eval:evaluate", "Judge how well a video is lip-synced.", _JUDGE),
        "verify": _verb("verify:verify", "Check whether VIDEO is marked as AI-edited.", _JUDGE),
        "train": _verb("train:GROUP", "Train a generator for one person.", _PEOPLE),
        "people": _verb("people:GROUP", "Manage the trained people on this computer.", _PEOPLE),
        "models": _verb("people:GROUP", "Former name of `people`.", _PEOPLE, hidden=True),
        "plugins": _verb("plugins:GROUP", "List, check and create plugins.", _SETUP),
        "weights": _verb("weights:GROUP", "List, fetch, check and remove weight files.", _SETUP),
        "doctor": _verb(
            "doctor:doctor", "Show what this computer has and which generators run.", _SETUP
        ),
    },
)


def build(arguments: Sequence[str] = ()) -> Any:  # noqa: ANN401 - private to typer
    """The command line.

    Args:
        arguments: the words of this call. Where one of them is a verb, the options that install shell
            completion are left out: typer would import pydantic to find that they were not given.
    """
    has_verb = any(not word.startswith("-") for word in arguments)
    asked = any(word.endswith("-completion") for word in arguments)
    return command(ROOT, completion=asked or not has_verb or "_LIPSYNC_COMPLETE" in os.environ)
