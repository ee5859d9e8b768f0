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

from lipsync_core.errors import UnsupportedInput
from lipsync_core.faces.selection import FaceRule, choose
from lipsync_core.media.edits import KINDS, ClipKind
from lipsync_core.media.output import atomic_output, json_bytes
from lipsync_core.media.probe import TargetInfo
from lipsync_core.media.sound import read_mono
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

    @property
    def form(self) -> tuple[str, int, int, int]:
        """What clips of one video must share: frame rate, width, height, bits."""
        return self.frame_rate, self.width, self.height, self.bit_depth


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A folder of clips.

    Attributes:
        folder: where they lie.
        entries: those that can be used, by file name.
        unusable: file -> why it cannot.
    """

    folder: Path
    entries: tuple[Entry, ...]
    unusable: dict[str, str]

    def of(self, kind: ClipKind) -> list[Entry]:
        """The clips of one kind."""
        return [entry for entry in self.entries if entry.kind == kind]

    @property
    def frame_rate(self) -> Fraction:
        """Frames a second of all its clips."""
        return Fraction(self.entries[0].frame_rate)

    def as_dict(self) -> dict[str, Any]:
        """What the index file holds."""
        return {
            "format": "lipsync-clips",
            "version": VERSION,
            "clips": [asdict(entry) for entry in self.entries],
            "unusable": self.unusable,
        }


def build(
    folder: Path, detector: str | None = None, progress: Progress | None = None
) -> tuple[Library, int]:
    """Index a folder and write its `clips.json`; what has not changed is not measured again.

    Returns:
        The library, and how many of its clips were measured now.

    Raises:
        UnsupportedInput: there is no such folder, or no clip in it that can be used.
        OutputError: the index cannot be written.
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
    library = _together(folder, entries, unusable)
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
    return Library(folder=folder, entries=entries, unusable={})


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
    if info.kind != "video" or info.video.variable_rate:
        what = "a still picture" if info.kind != "video" else "of a variable frame rate"
        raise UnsupportedInput(f"It is {what}.", "")
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
    )


def _speech(path: Path, info: TargetInfo) -> float:
    """Share of the frames with somebody speaking."""
    speaking = activity_of(read_mono(path, SAMPLE_RATE), info.video.frame_rate)
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


def _together(folder: Path, entries: list[Entry], unusable: dict[str, str]) -> Library:
    """The library of the clips that go together: of those with the form that most of the time is filmed in.

    Raises:
        UnsupportedInput: there is none.
    """
    if not entries:
        why = "; ".join(f"{name}: {reason}" for name, reason in unusable.items())
        raise UnsupportedInput(
            f"{folder} holds no clip that can be used{f' ({why})' if why else ''}.",
            "Put videos into it, those with speech into talk/ and those without into silence/.",
        )
    filmed: dict[tuple[str, int, int, int], float] = {}
    for entry in entries:
        filmed[entry.form] = filmed.get(entry.form, 0.0) + entry.seconds
    usual = max(filmed, key=lambda form: filmed[form])
    rate, width, height, _ = usual
    odd = {
        entry.file: f"It is {_words(entry.form)}, most of the others are {_words(usual)}. Convert it: "
        f"ffmpeg -i IN -r {rate} -vf scale={width}:{height} -pix_fmt yuv420p OUT.mp4"
        for entry in entries
        if entry.form != usual
    }
    kept = tuple(entry for entry in entries if entry.form == usual)
    return Library(folder=folder, entries=kept, unusable=unusable | odd)


def _words(form: tuple[str, int, int, int]) -> str:
    rate, width, height, bits = form
    return f"{width}x{height} at {float(Fraction(rate)):.6g} frames a second with {bits} bits"


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
