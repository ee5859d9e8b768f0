"""Tracks: faces followed from frame to frame inside one shot, with ids that never change.

Greedy matching by overlap, in order of detection score. A face that is lost for a moment keeps its id
when it is found again near where it was; a new shot ends all tracks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lipsync_core.records import Face

MIN_OVERLAP = 0.25
"""Intersection over union with the last box under which two faces are not the same one. A face that
moves half its width between two frames still has 0.33."""
MAX_GAP = 25
"""Frames a track survives without being seen."""


@dataclass(slots=True)
class _Track:
    id: int
    box: tuple[float, float, float, float]
    seen: int


class Tracker:
    """Gives every face of every frame a track id; ids count up from 0 over the whole target."""

    def __init__(self) -> None:
        self._next = 0
        self._tracks: list[_Track] = []

    def cut(self) -> None:
        """A new shot begins: no later face belongs to an earlier track."""
        self._tracks = []

    def push(self, index: int, faces: Sequence[Face]) -> list[int]:
        """Ids of the faces of frame `index` (increasing), in the order of `faces`."""
        self._tracks = [t for t in self._tracks if index - t.seen <= MAX_GAP]
        pairs = sorted(
            (
                (-overlap(face.box, track.box), n, track)
                for n, face in enumerate(faces)
                for track in self._tracks
            ),
            key=lambda pair: (pair[0], pair[1], pair[2].id),
        )
        given: dict[int, int] = {}
        used: set[int] = set()
        for negative, n, track in pairs:
            if -negative < MIN_OVERLAP:
                break
            if n not in given and track.id not in used:
                given[n] = track.id
                used.add(track.id)
                track.box, track.seen = faces[n].box, index
        for n, face in enumerate(faces):
            if n not in given:
                given[n] = self._next
                self._tracks.append(_Track(self._next, face.box, index))
                self._next += 1
        return [given[n] for n in range(len(faces))]


def overlap(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes `(x0, y0, x1, y1)`; 0 where they do not meet."""
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h
    return float(w * h / np.maximum(union, 1e-9))
