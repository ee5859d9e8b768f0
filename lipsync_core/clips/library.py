"""A folder of recorded clips and its index, `clips.json`, which people may correct.

What a clip is, its folder or name says (`talk/`, `silence_03.mp4`), or else its own sound. An entry is
measured again when its file has changed; a `kind` that was corrected by hand stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from lipsync_core.errors import UnsupportedInput, UsageError
from lipsync_core.faces.selection import FaceRule, choose
from lipsync_core.media.conform import Filling, Form, frames_at
from lipsync_core.media.edits import KINDS, ClipKind
from lipsync_core.media.index import STANDARD_RATES
from lipsync_core.media.output import atomic_output, json_bytes
from lipsync_core.media.probe import TargetInfo, probe_sound
from lipsync_core.media.sound import read_with_picture
from lipsync_core.requests import PluginSettings
from lipsync_core.running.progress import Progress
from lipsync_core.targets.inspect import inspect
from lipsync_core.voice.activity import SAMPLE_RATE, activity_of

INDEX = "clips.json"
VERSION = 1

_SUFFIXES = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".gif"}
_WORDS: dict[ClipKind, tuple[str, ...]] = {
    "silence": ("silence", "silent", "idle", "listen", "quiet", "still"),
    "talk": ("talk", "speech", "speak", "voice"),
}
"""Beginnings of words in a folder's or file's name that tell the kind; silence is looked for first."""
_TALKS_FROM = 0.3
"""Share of a clip with somebody speaking from which it counts as talk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One clip of a library.

    Attributes:
        file: path below the library's folder, with forward slashes.
        kind: "talk" or "silence".
        because: what decided: "name", "sound", or "hand" for a corrected one.
        seconds: length.
        frames: number of frames.
        frame_rate: frames a second, exact, as a fraction.
        width: pixels.
        height: pixels.
        bit_depth: 8 or 10.
        speech: share of the frames with somebody speaking in the clip's own sound; None without sound.
        face: share of the frames with a face that can be used.
        bytes: size of the file.
        modified: its time of change, nanoseconds.
        duration: length in seconds, exact, as a fraction.
    """

    file: str
    kind: ClipKind
    because: str
    seconds: float
    frames: int
    frame_rate: str
    width: int
    height: int
    bit_depth: int
    speech: float | None
    face: float
    bytes: int
    modified: int
    duration: str = ""

    @property
    def form(self) -> Form:
        """How it was recorded; of odd sizes, the even ones that readers make of them."""
        return Form(width=self.width, height=self.height, frame_rate=Fraction(self.frame_rate))

    def shown_in(self, form: Form) -> Entry:
        """The clip as it is in a video of another form: its frames are counted at that rate."""
        exact = Fraction(self.duration or self.frames / Fraction(self.frame_rate))
        rate = form.frame_rate
        return replace(self, frames=frames_at(exact, rate), frame_rate=str(rate))


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A folder of clips.

    Attributes:
        folder: where they lie.
        entries: those that can be used, by file name.
        unusable: file -> why it cannot.
        form: of videos made of it.
    """

    folder: Path
    entries: tuple[Entry, ...]
    unusable: dict[str, str]
    form: Form

    def of(self, kind: ClipKind) -> list[Entry]:
        """The clips of one kind, as they are in a video."""
        return [entry.shown_in(self.form) for entry in self.entries if entry.kind == kind]

    @property
    def frame_rate(self) -> Fraction:
        """Frames a second of videos made of it."""
        return self.form.frame_rate

    @property
    def others(self) -> list[Entry]:
        """Clips that were recorded in another form, and are conformed when they are read."""
        shape = self.form.width, self.form.height, self.form.frame_rate
        return [e for e in self.entries if (e.width, e.height, e.form.frame_rate) != shape]

    def as_dict(self) -> dict[str, Any]:
        """What the index file holds."""
        return {
            "format": "lipsync-clips",
            "version": VERSION,
            "form": {
                "width": self.form.width,
                "height": self.form.height,
                "frame_rate": str(self.form.frame_rate),
                "conform": self.form.filling,
            },
            "clips": [asdict(entry) for entry in self.entries],
            "unusable": self.unusable,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FormChoice:
    """What the user wants videos of a library to be like; None: as most of the time is recorded.

    Attributes:
        size: width and height, pixels.
        fps: frames a second.
        filling: bars or cut edges where the aspect of a clip is another.
    """

    size: tuple[int, int] | None = None
    fps: Fraction | None = None
    filling: Filling = "pad"

    def among(self, entries: list[Entry]) -> Form:
        """The form for videos of these clips.

        Raises:
            UsageError: no video can have it.
        """
        filmed: dict[Form, float] = {}
        for entry in entries:
            filmed[entry.form] = filmed.get(entry.form, 0.0) + entry.seconds
        most = max(filmed, key=lambda form: (filmed[form], form.width * form.height))
        width, height = self.size or (most.width, most.height)
        rate = _usual(most.frame_rate) if self.fps is None else self.fps
        return Form(width=width, height=height, frame_rate=rate, filling=self.filling)


def _usual(rate: Fraction) -> Fraction:
    """The rate itself; for the average of a variable one the nearest usual rate."""
    if rate.denominator <= 1001:
        return rate
    return min(STANDARD_RATES, key=lambda usual: abs(usual - rate))


def build(
    folder: Path,
    detector: str | None = None,
    progress: Progress | None = None,
    choice: FormChoice | None = None,
) -> tuple[Library, int]:
    """Index a folder and write its `clips.json`; what has not changed is not measured again.

    Args:
        folder: of the clips.
        detector: that measures how often a face is seen.
        progress: listener.
        choice: what videos of the library are to be like.

    Returns:
        The library, and how many of its clips were measured now.

    Raises:
        UnsupportedInput: there is no such folder, or no clip in it that can be used.
        OutputError: the index cannot be written.
        UsageError: no video can be like that.
    """
    if not folder.is_dir():
        raise UnsupportedInput(
            f"There is no folder {folder}.", "Name one with talk and silence clips."
        )
    progress = progress or Progress()
    known = {entry.file: entry for entry in _read(folder / INDEX)}
    entries: list[Entry] = []
    unusable: dict[str, str] = {}
    measured = 0
    for path in _videos(folder):
        name = path.relative_to(folder).as_posix()
        status = path.stat()
        before = known.get(name)
        if before and (before.bytes, before.modified) == (status.st_size, status.st_mtime_ns):
            entries.append(_corrected(before))
            continue
        progress.note(f"looking at {name}")
        try:
            made = _measure(path, name, detector, progress)
        except UnsupportedInput as error:
            unusable[name] = error.message
            continue
        kept = before.kind if before and _corrected(before).because == "hand" else None
        entries.append(made if kept is None else replace(made, kind=kept, because="hand"))
        measured += 1
    if not entries:
        raise _nothing_usable(folder, unusable)
    form = (choice or FormChoice()).among(entries)
    library = Library(folder=folder, entries=tuple(entries), unusable=unusable, form=form)
    _write(library)
    return library, measured


def read(folder: Path) -> Library:
    """The library as it was built, with what was corrected in its index since.

    Raises:
        UnsupportedInput: it was not built, or clips have changed since.
    """
    entries = tuple(_corrected(entry) for entry in _read(folder / INDEX))
    if not entries:
        raise UnsupportedInput(
            f"{folder} holds no index of clips.", f"Make it: lipsync clips build {folder}"
        )
    for entry in entries:
        path = folder / entry.file
        status = path.stat() if path.exists() else None
        if status is None or (status.st_size, status.st_mtime_ns) != (entry.bytes, entry.modified):
            raise UnsupportedInput(
                f"The clip {path} {'has changed' if status else 'is gone'} since the library was built.",
                f"Build it again: lipsync clips build {folder}",
            )
    return Library(
        folder=folder, entries=entries, unusable={}, form=_form(folder / INDEX, list(entries))
    )


def kind_by_name(name: str) -> ClipKind | None:
    """The kind that a path below the library tells: the file's name first, then its folders'."""
    for part in reversed(name.lower().split("/")):
        words = "".join(c if c.isalnum() else " " for c in part).split()
        for kind, beginnings in _WORDS.items():
            if any(word.startswith(beginnings) for word in words):
                return kind
    return None


def _measure(path: Path, name: str, detector: str | None, progress: Progress) -> Entry:
    info, analysis = inspect(path, PluginSettings(detector=detector), progress)
    if info.kind != "video":
        raise UnsupportedInput("It is a still picture.", "")
    speech = _speech(path, info) if info.has_sound else None
    kind, because = kind_by_name(name), "name"
    if kind is None:
        because = "sound"
        kind = "talk" if speech is not None and speech >= _TALKS_FROM else "silence"
    face = 0.0
    if len(analysis.rows):
        size = info.video.width, info.video.height
        choice = choose(analysis, FaceRule(kind="largest"), size)
        face = float(np.mean(choice.strength > 0))
    status = path.stat()
    return Entry(
        file=name,
        kind=kind,
        because=because,
        seconds=round(float(info.duration), 3),
        frames=info.frames,
        frame_rate=str(info.video.frame_rate),
        width=info.video.width,
        height=info.video.height,
        bit_depth=info.video.bit_depth,
        speech=speech,
        face=round(face, 4),
        bytes=status.st_size,
        modified=status.st_mtime_ns,
        duration=str(info.duration),
    )


def _speech(path: Path, info: TargetInfo) -> float:
    """Share of the frames with somebody speaking."""
    sound = probe_sound(path)
    heard = read_with_picture(sound, SAMPLE_RATE, sound.gain)
    speaking = activity_of(heard, info.video.frame_rate)[: info.frames]
    return round(float(np.mean(speaking > 0.5)), 4) if len(speaking) else 0.0


def _corrected(entry: Entry) -> Entry:
    """The entry; where its kind is not what was measured, somebody has corrected it."""
    if entry.because == "hand":
        return entry
    measured = kind_by_name(entry.file)
    if measured is None:
        measured = "talk" if (entry.speech or 0.0) >= _TALKS_FROM else "silence"
    return entry if entry.kind == measured else replace(entry, because="hand")


def _videos(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in _SUFFIXES and path.is_file() and not hidden:
            yield path


def _nothing_usable(folder: Path, unusable: dict[str, str]) -> UnsupportedInput:
    why = "; ".join(f"{name}: {reason}" for name, reason in unusable.items())
    return UnsupportedInput(
        f"{folder} holds no clip that can be used{f' ({why})' if why else ''}.",
        "Put videos into it, those with speech into talk/ and those without into silence/.",
    )


def _form(path: Path, entries: list[Entry]) -> Form:
    """The form that an index names; of an older index, that of most of its clips.

    Raises:
        UnsupportedInput: somebody has written something into it that cannot be.
    """
    told = json.loads(path.read_text("utf-8")).get("form")
    if told is None:
        return FormChoice().among(entries)
    try:
        return Form(
            width=told["width"],
            height=told["height"],
            frame_rate=Fraction(told["frame_rate"]),
            filling=told["conform"],
        )
    except (UsageError, ValueError, TypeError, KeyError, ZeroDivisionError) as error:
        raise UnsupportedInput(
            f"The index {path} names a form that no video can have: {error}.",
            "Correct its `form`, or build the library again.",
        ) from error


def _read(path: Path) -> list[Entry]:
    """Entries of an index.

    Raises:
        UnsupportedInput: somebody has written something into it that cannot be.
    """
    if not path.exists():
        return []
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["format"] != "lipsync-clips" or content["version"] != VERSION:
            raise ValueError("another format")
        entries = [Entry(**given) for given in content["clips"]]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UnsupportedInput(
            f"The index {path} cannot be read: {error}.", "Remove it and build the library again."
        ) from error
    for entry in entries:
        if entry.kind not in KINDS:
            raise UnsupportedInput(
                f"In {path} the clip {entry.file} is of kind {entry.kind!r}.",
                "Write talk or silence.",
            )
    return entries


def _write(library: Library) -> None:
    with atomic_output(library.folder / INDEX) as part:
        part.write_bytes(json_bytes(library.as_dict()))
