"""What generators noted of their frames, for the report: a file for each shot and generator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from lipsync_core.engine.record import journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A generator's note of output frames `first` to `last`."""

    first: int
    last: int
    note: str


@dataclass(frozen=True, slots=True)
class NoteFile:
    """The notes of one generator on one shot, in the order in which they were made."""

    path: Path

    def add(self, first: int, last: int, note: str) -> None:
        """Append a note of output frames."""
        journal.append(self.path, asdict(Note(first=first, last=last, note=note)))

    def read(self) -> list[Note]:
        """All notes, oldest first."""
        return [Note(**entry) for entry in journal.read(self.path)]

    def forget(self) -> None:
        """The generator failed: its notes are void."""
        self.path.unlink(missing_ok=True)


def note_file(folder: Path, shot: int, generator: str) -> NoteFile:
    """Where the notes of a generator on a shot are, in the folder of the run's segments."""
    return NoteFile(folder / f"shot{shot:06d}-{generator}.notes.jsonl")


def note_ranges(
    folder: Path, made: Mapping[int, str], shots: list[tuple[int, int]]
) -> list[dict[str, object]]:
    """What is to be told of the frames that are shown. Of frames made twice, the last note counts.

    Args:
        folder: of the run's segments.
        made: shot number -> the generator that made it.
        shots: first frame of each, and the one after its last.

    Returns:
        Ranges in their order, each with `first`, `last`, `generator` and `note`.
    """
    return [
        told
        for shot, (start, stop) in enumerate(shots)
        for told in _of_shot(
            note_file(folder, shot, made.get(shot, "")).read(), made.get(shot, ""), start, stop
        )
    ]


def _of_shot(notes: list[Note], generator: str, start: int, stop: int) -> list[dict[str, object]]:
    notes = [n for n in notes if n.first < stop and n.last >= start]
    texts = list(dict.fromkeys(n.note for n in notes))
    whose = np.full(stop - start, -1, np.int64)
    for note in notes:
        whose[max(note.first - start, 0) : note.last + 1 - start] = texts.index(note.note)
    edges = [0, *(np.flatnonzero(np.diff(whose)) + 1).tolist(), stop - start]
    return [
        {
            "first": start + a,
            "last": start + b - 1,
            "generator": generator,
            "note": texts[whose[a]],
        }
        for a, b in pairwise(edges)
        if whose[a] >= 0
    ]
