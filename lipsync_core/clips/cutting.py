"""From a voice to an edit list: where it speaks, and which clips are shown meanwhile. Arithmetic only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lipsync_core.clips.library import Entry, Library
from lipsync_core.errors import UnsupportedInput, UsageError
from lipsync_core.media.edits import ClipKind, Edit, EditList


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How restless the cut may be; seconds.

    Attributes:
        silence: pauses shorter than this are part of the speech around them.
        speech: a word shorter than this alone does not interrupt a silence clip.
        lead: how long before the first word a talk clip begins, and how long after the last it ends.
        shortest: no clip is shown for less, as long as another can stay.
    """

    silence: float = 1.0
    speech: float = 0.2
    lead: float = 0.2
    shortest: float = 1.0

    def __post_init__(self) -> None:
        """Raise `UsageError` for times that cannot be."""
        for name in ("silence", "speech", "lead", "shortest"):
            if not 0.0 <= getattr(self, name) <= 60.0:
                raise UsageError(f"The pace's {name} must lie between 0 and 60 seconds.")


@dataclass(frozen=True, slots=True)
class Span:
    """Frames `start` to `stop` of the output, all speech or all silence."""

    kind: ClipKind
    start: int
    stop: int

    @property
    def frames(self) -> int:
        """How many."""
        return self.stop - self.start


def spans(activity: NDArray[np.float32], rate: float, pace: Pace) -> list[Span]:
    """Speech and silence in turn.

    Args:
        activity: `(n,)` voice activity 0..1 of each output frame, at least one.
        rate: frames a second.
        pace: what is too short to count.
    """
    speaks = activity > 0.5
    _without_short(speaks, False, round(pace.silence * rate))
    _without_short(speaks, True, round(pace.speech * rate))
    spread = round(pace.lead * rate)
    for start, stop in _runs(speaks, True):
        speaks[max(0, start - spread) : stop + spread] = True
    _without_short(speaks, False, round(pace.shortest * rate))
    edges = [0, *(np.flatnonzero(np.diff(speaks)) + 1).tolist(), len(speaks)]
    return [Span("talk" if speaks[a] else "silence", a, b) for a, b in pairwise(edges)]


def cut(library: Library, parts: Sequence[Span], pace: Pace) -> EditList:
    """Lay clips under the spans.

    A span is filled with the clip that fits it best among those shown least so far; a clip continues where
    it was left when the rest of it is long enough. Where all are too short, several follow each other, and
    what remains is the last frame held. Silence without silence clips is shown with talk clips, whose lips
    are then closed.

    Raises:
        UnsupportedInput: somebody speaks, and there is no talk clip.
    """
    rate = library.frame_rate
    shelves = {
        kind: _Shelf(library.of(kind), round(pace.shortest * rate)) for kind in ("talk", "silence")
    }
    if not shelves["talk"].clips and any(part.kind == "talk" for part in parts):
        raise UnsupportedInput(
            f"{library.folder} holds no talk clip.",
            f'Add one, or correct a "kind" in {library.folder / "clips.json"}.',
        )
    edits: list[Edit] = []
    for part in parts:
        kind: ClipKind = part.kind if shelves[part.kind].clips else "talk"
        for entry, first, frames, hold in shelves[kind].fill(part.frames):
            clip = library.folder / entry.file
            edits.append(Edit(clip=clip, kind=kind, first=first, frames=frames, hold=hold))
    form = library.form
    return EditList(
        frame_rate=rate,
        edits=tuple(edits),
        size=(form.width, form.height),
        filling=form.filling,
    )


class _Shelf:
    """Clips of one kind, and how often and how far each was shown."""

    def __init__(self, clips: list[Entry], shortest: int) -> None:
        self.clips = clips
        self._shortest = max(1, shortest)
        self._shown = dict.fromkeys((clip.file for clip in clips), 0)
        self._next = dict.fromkeys((clip.file for clip in clips), 0)
        self._last = ""

    def fill(self, frames: int) -> list[tuple[Entry, int, int, int]]:
        """Clips for so many frames: the clip, its first frame, how many of it, how many its last is held."""
        found: list[tuple[Entry, int, int, int]] = []
        left = frames
        while left > 0:
            entry = self._best(left)
            first = self._next[entry.file]
            if entry.frames - first < min(left, entry.frames):
                first = 0
            shown = min(left, entry.frames - first)
            rest = left - shown
            hold = rest if rest < self._shortest else 0
            found.append((entry, first, shown, hold))
            self._shown[entry.file] += shown
            self._next[entry.file] = first + shown
            self._last = entry.file
            left -= shown + hold
        return found

    def _best(self, frames: int) -> Entry:
        """The least shown of the clips that are long enough, the shortest first; or else of the long ones.

        None follows itself where there is another.
        """
        others = [clip for clip in self.clips if clip.file != self._last] or self.clips
        enough = [clip for clip in others if clip.frames >= frames]
        if enough:
            return min(enough, key=lambda clip: (self._shown[clip.file], clip.frames, clip.file))
        longest = max(clip.frames for clip in others)
        long = [clip for clip in others if clip.frames * 2 >= longest]
        return min(long, key=lambda clip: (self._shown[clip.file], -clip.frames, clip.file))


def _without_short(speaks: NDArray[np.bool_], what: bool, least: int) -> None:
    """Turn over every run of `what` that is shorter than `least` frames."""
    for start, stop in _runs(speaks, what):
        if stop - start < least:
            speaks[start:stop] = not what


def _runs(speaks: NDArray[np.bool_], what: bool) -> list[tuple[int, int]]:
    padded = np.concatenate([[False], speaks == what, [False]]).astype(np.int8)
    steps = np.flatnonzero(np.diff(padded))
    return [(int(a), int(b)) for a, b in zip(steps[::2], steps[1::2], strict=True)]
