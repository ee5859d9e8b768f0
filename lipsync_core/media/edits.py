"""Edit lists: which frames of which clips are shown one after the other, as a JSON file that people may edit.

A list is a target like a video: `lipsync run edits.json voice.wav` renders it. Lengths are whole frames, so
that nothing is rounded twice.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from lipsync_core.errors import UnsupportedInput, UsageError
from lipsync_core.media.conform import Filling, Form
from lipsync_core.media.output import NAME_MAX, json_bytes

FORMAT = "lipsync-edits"
VERSION = 1

ClipKind = Literal["talk", "silence"]
KINDS: tuple[ClipKind, ...] = ("talk", "silence")
"""A talk clip gets a new mouth; a silence clip is shown as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One clip, or a part of it.

    Attributes:
        clip: its file.
        kind: "talk": it speaks; "silence": it is shown as it is.
        first: number of the clip's frame that is shown first.
        frames: how many of its frames are shown.
        hold: frames that the last of them stays on afterwards.
    """

    clip: Path
    kind: ClipKind
    first: int
    frames: int
    hold: int = 0

    @property
    def length(self) -> int:
        """Frames that it takes up."""
        return self.frames + self.hold


@dataclass(frozen=True, slots=True, kw_only=True)
class EditList:
    """Edits in their order, on a clock of constant rate.

    Attributes:
        frame_rate: of the output; clips of another rate are counted, and shown, in frames of this one.
        edits: at least one.
        size: width and height of the output, even; None: those of the first clip.
        filling: what is done with clips of another aspect.
    """

    frame_rate: Fraction
    edits: tuple[Edit, ...]
    size: tuple[int, int] | None = None
    filling: Filling = "pad"

    @property
    def frames(self) -> int:
        """Frames of all edits together."""
        return sum(edit.length for edit in self.edits)

    def fitted(self, frames: int) -> EditList:
        """The list with exactly so many frames: cut at the end, or its last frame held."""
        left, kept = frames, []
        for edit in self.edits:
            if left <= 0:
                break
            shown = min(edit.frames, left)
            held = min(edit.hold, left - shown)
            kept.append(
                Edit(clip=edit.clip, kind=edit.kind, first=edit.first, frames=shown, hold=held)
            )
            left -= shown + held
        if left > 0:
            last = kept.pop()
            kept.append(
                Edit(
                    clip=last.clip,
                    kind=last.kind,
                    first=last.first,
                    frames=last.frames,
                    hold=last.hold + left,
                )
            )
        return replace(self, edits=tuple(kept))

    def text(self, folder: Path) -> str:
        """The JSON of the list for a file in `folder`; clips are named relative to it."""
        content = {
            "format": FORMAT,
            "version": VERSION,
            "frame_rate": str(self.frame_rate),
            **({"width": self.size[0], "height": self.size[1]} if self.size else {}),
            "conform": self.filling,
            "edits": [
                {
                    "clip": _relative(edit.clip, folder),
                    "kind": edit.kind,
                    "first": edit.first,
                    "frames": edit.frames,
                    "hold": edit.hold,
                }
                for edit in self.edits
            ],
        }
        return json_bytes(content).decode()


def is_edit_list(path: Path) -> bool:
    """Whether a target is meant to be an edit list: it is a file that ends in .json."""
    return (
        path.suffix.lower() == ".json"
        and len(os.fsencode(path.name)) <= NAME_MAX
        and path.is_file()
    )


def read_edits(path: Path) -> EditList:
    """Read an edit list.

    Raises:
        UnsupportedInput: it is none, or says something that cannot be; the message says where.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UnsupportedInput(
            f"The edit list {path} cannot be read: {error}.",
            "Repair it, or write it again with `lipsync clips edit`.",
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UnsupportedInput(
            f"{path} is not an edit list.", "`lipsync clips edit` makes one from clips and audio."
        )
    if content.get("version") != VERSION:
        raise UnsupportedInput(
            f"The edit list {path} has version {content.get('version')}, this lipsync reads {VERSION}.",
            "Write it again with `lipsync clips edit`.",
        )
    rate, edits = content.get("frame_rate"), content.get("edits")
    try:
        frame_rate = Fraction(str(rate))
    except (ValueError, ZeroDivisionError):
        frame_rate = Fraction(0)
    if not 0 < frame_rate <= 240:
        raise _wrong(path, f"frame_rate is {rate!r}", 'Write frames a second, for example "25".')
    if not isinstance(edits, Sequence) or isinstance(edits, str) or not edits:
        raise _wrong(path, "it has no edits", "`lipsync clips edit` makes some.")
    return EditList(
        frame_rate=frame_rate,
        edits=tuple(_edit(given, f"edit {n}", path) for n, given in enumerate(edits, 1)),
        size=_size(content, frame_rate, path),
        filling=content.get("conform", "pad"),
    )


def _size(content: Mapping[str, Any], frame_rate: Fraction, path: Path) -> tuple[int, int] | None:
    """Width and height of the output, if the list says so; checks them, and how clips are made to fit."""
    width, height = content.get("width"), content.get("height")
    told = width is not None or height is not None
    for length in (width, height) if told else ():
        if not isinstance(length, int) or isinstance(length, bool):
            raise _wrong(path, f"its size is {width!r} x {height!r}", "Write two whole numbers.")
    size = (int(width or 0), int(height or 0)) if told else None
    filling = content.get("conform", "pad")
    try:
        width, height = size or (2, 2)
        Form(width=width, height=height, frame_rate=frame_rate, filling=filling)
    except UsageError as error:
        raise _wrong(path, error.message.rstrip("."), error.hint) from error
    return size


def _edit(given: Any, name: str, path: Path) -> Edit:  # noqa: ANN401 - what JSON may hold
    if not isinstance(given, Mapping) or not isinstance(given.get("clip"), str):
        raise _wrong(path, f"{name} names no clip", 'Write {"clip": "file.mp4", ...}.')
    kind = given.get("kind")
    if kind not in KINDS:
        raise _wrong(path, f"{name} is of kind {kind!r}", "Write talk or silence.")
    first = _count(given, "first", 0, name, path)
    frames = _count(given, "frames", 1, name, path)
    hold = _count({"hold": 0, **given}, "hold", 0, name, path)
    clip = path.parent / given["clip"]
    return Edit(clip=clip, kind=kind, first=first, frames=frames, hold=hold)


def _count(given: Mapping[str, Any], key: str, least: int, name: str, path: Path) -> int:
    value = given.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise _wrong(
            path, f"{name} has {key} {value!r}", f"Write a number of frames from {least} on."
        )
    return value


def _wrong(path: Path, what: str, hint: str) -> UnsupportedInput:
    return UnsupportedInput(f"In the edit list {path}: {what}.", hint)


def _relative(clip: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(clip.absolute(), folder.absolute())).as_posix()
    except ValueError:  # another drive
        return clip.absolute().as_posix()
