"""What generators said of their frames, for the report: ranges of output frames, which outlive a kill."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    """A generator's note of output frames `first` to `last`."""

    generator: str
    first: int
    last: int
    note: str


class Notes:
    """Words of one run, in the order in which they were said: of frames made twice, the last one counts.

    Args:
        journal: keeps each word on disk as it comes.
        entries: what earlier tries of the same run have left in the journal.
    """

    def __init__(
        self, journal: Callable[[dict[str, Any]], None], entries: Iterable[Mapping[str, Any]] = ()
    ) -> None:
        self._journal = journal
        self._words = [_Word(**entry) for entry in entries if "note" in entry]

    def tell(self, generator: str, first: int, last: int, note: str) -> None:
        """A generator's note of the output frames that it has just made."""
        word = _Word(generator=generator, first=first, last=last, note=note)
        self._words.append(word)
        self._journal(asdict(word))

    def ranges(
        self, made: Mapping[int, str], shots: list[tuple[int, int]]
    ) -> list[dict[str, object]]:
        """What is to be told of the frames that are shown.

        Args:
            made: shot number -> the generator that made it; what others said of its frames is void.
            shots: first frame of each, and the one after its last.

        Returns:
            Ranges in their order, each with `first`, `last`, `generator` and `note`.
        """
        return [
            told
            for shot, (start, stop) in enumerate(shots)
            for told in self._of_shot(made.get(shot, ""), start, stop)
        ]

    def _of_shot(self, generator: str, start: int, stop: int) -> list[dict[str, object]]:
        words = [w for w in self._words if w.generator == generator]
        words = [w for w in words if w.first < stop and w.last >= start]
        texts = list(dict.fromkeys(w.note for w in words))
        whose = np.full(stop - start, -1, np.int64)
        for word in words:
            whose[max(word.first - start, 0) : word.last + 1 - start] = texts.index(word.note)
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
