"""Wav2Lip's lip-sync expert as a scorer: cosines of mouths and voice, at their own time and shifted."""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.contracts import ScoreStream
from lipsync_core.networks.scorer import NetworkScorer
from lipsync_core.records import Scores
from lipsync_core.voice.mel import MelStream
from lipsync_wav2lip.spec import EXPERT, EXPERT_FILE, EXPERT_FPS, EXPERT_FRAMES

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext
    from lipsync_core.records import Crops, Samples
    from lipsync_wav2lip.expert import Expert

REACH = 15
"""Shifts are tried up to so many frames either way, as in SyncNet's evaluation."""
_BATCH = 32


class ExpertScorer(NetworkScorer["Expert"]):
    """See the module."""

    spec, file, title = EXPERT, EXPERT_FILE, "Wav2Lip's expert"

    def loaded(self, file: Path, context: OpenContext) -> Expert:
        """See `NetworkScorer.loaded`."""
        from lipsync_wav2lip.expert import Expert

        return Expert(file, context.device, context.threads)

    def span(self, network: Expert) -> ScoreStream:
        """See `NetworkScorer.span`."""
        return _Span(network)


class _Span(ScoreStream):
    """Keeps unmatched crops and rows, the last 15 embeddings of each, and sums."""

    def __init__(self, expert: Expert) -> None:
        self._expert = expert
        self._mel = MelStream(Fraction(EXPERT_FPS))
        self._crops = np.zeros((0, 96, 96, 3), np.uint8)
        self._rows = np.zeros((0, 80, 16), np.float32)
        self._faces: deque[NDArray[np.float32]] = deque(maxlen=REACH)
        self._voices: deque[NDArray[np.float32]] = deque(maxlen=REACH)
        self._sums = np.zeros(2 * REACH + 1)
        self._counts = np.zeros(2 * REACH + 1)
        self._distance = 0.0
        self._curve: list[float] = []
        self._seen = 0

    def push(self, crops: Crops, samples: Samples) -> None:
        """See `ScoreStream.push`."""
        self._seen += len(crops)
        self._crops = np.concatenate([self._crops, crops.images])
        self._rows = np.concatenate([self._rows, self._mel.push(samples)])
        while self._ready() >= _BATCH:
            self._take(_BATCH)

    def finish(self) -> Scores:
        """See `ScoreStream.finish`; a span of fewer than five crops scores 0."""
        self._rows = np.concatenate([self._rows, self._mel.flush()])
        while (ready := self._ready()) > 0:
            self._take(min(ready, _BATCH))
        windows = max(1, len(self._curve))
        means = self._sums / np.maximum(self._counts, 1)
        # Fewer pairs say less: a shift counts that at least half of the windows have.
        means[self._counts * 2 < windows] = -1.0
        best = int(np.argmax(means)) if self._curve else REACH
        curve = np.full(self._seen, np.nan, np.float32)
        middle = EXPERT_FRAMES // 2
        curve[middle : middle + len(self._curve)] = self._curve
        return Scores(
            figures={
                "agreement": float(self._sums[REACH] / windows),
                "distance": self._distance / windows,
                "offset": float(best - REACH),
            },
            curves={"agreement": curve},
        )

    def _ready(self) -> int:
        """Windows of five crops whose sound is there, too."""
        return min(len(self._crops) - EXPERT_FRAMES + 1, len(self._rows))

    def _take(self, count: int) -> None:
        windows = np.stack([self._crops[k : k + EXPERT_FRAMES] for k in range(count)])
        faces = self._expert.embed_faces(windows)
        voices = self._expert.embed_mel(self._rows[:count])
        self._crops, self._rows = self._crops[count:], self._rows[count:]
        for face, voice in zip(faces, voices, strict=True):
            self._pair(face, voice)

    def _pair(self, face: NDArray[np.float32], voice: NDArray[np.float32]) -> None:
        """This moment's halves with each other and with earlier ones, by how much later the voice is."""
        for back, earlier in enumerate(reversed(self._voices), start=1):
            self._count(-back, float(face @ earlier))
        for back, earlier in enumerate(reversed(self._faces), start=1):
            self._count(back, float(earlier @ voice))
        cosine = float(face @ voice)
        self._count(0, cosine)
        self._distance += float(np.linalg.norm(face - voice))
        self._curve.append(cosine)
        self._faces.append(face)
        self._voices.append(voice)

    def _count(self, shift: int, cosine: float) -> None:
        self._sums[REACH + shift] += cosine
        self._counts[REACH + shift] += 1
