"""SyncNet as a scorer: LSE-C, LSE-D and the shift of voice against mouth, streaming over crops and sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.contracts import ScoreStream
from lipsync_core.networks.scorer import NetworkScorer
from lipsync_core.records import Scores
from lipsync_syncnet.mfcc import COEFFICIENTS, MfccStream
from lipsync_syncnet.shifts import Shifts
from lipsync_syncnet.spec import COLUMNS, FRAMES, SIDE, SYNCNET, WEIGHTS_FILE, WIDTH

if TYPE_CHECKING:
    from pathlib import Path

    from lipsync_core.contracts import OpenContext
    from lipsync_core.records import Crops, Samples
    from lipsync_syncnet.embedder import Embedder

ROWS_A_FRAME = 4
"""MFCC rows, 100 a second, in a frame's time."""
SAMPLES_A_FRAME = 640
"""At 16 kHz and 25 frames a second."""
BATCH = 16
"""Windows in one call of the network. Always as many but at the end, however the crops came: the size of a
call changes the last digits."""


class SyncNetScorer(NetworkScorer["Embedder"]):
    """See the module."""

    spec, file, title = SYNCNET, WEIGHTS_FILE, "SyncNet"

    def loaded(self, file: Path, context: OpenContext) -> Embedder:
        """See `NetworkScorer.loaded`."""
        from lipsync_syncnet.embedder import Embedder

        return Embedder(file, context.device, context.threads)

    def span(self, network: Embedder) -> ScoreStream:
        """See `NetworkScorer.span`."""
        return _Span(network)


class _Span(ScoreStream):
    """Keeps the crops and rows of a batch, some 30 embeddings, and 124 bytes for each crop seen."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._mfcc = MfccStream()
        self._shifts = Shifts(WIDTH)
        self._crops = np.zeros((0, SIDE, SIDE, 3), np.uint8)
        self._rows = np.zeros((0, COEFFICIENTS), np.float32)
        self._seen = self._heard = self._done = 0

    def push(self, crops: Crops, samples: Samples) -> None:
        """See `ScoreStream.push`."""
        self._seen += len(crops)
        self._heard += len(samples)
        self._crops = np.concatenate([self._crops, crops.images])
        self._rows = np.concatenate([self._rows, self._mfcc.push(samples)])
        while self._ready() >= BATCH:
            self._take(BATCH)

    def finish(self) -> Scores:
        """See `ScoreStream.finish`; no figures without six crops and their 0.24 s of sound."""
        if (ready := self._ready()) > 0:
            self._take(ready)
        found = self._shifts.finish()
        curve = np.full(self._seen, np.nan, np.float32)
        if found is None:
            return Scores(figures={}, curves={"confidence": curve})
        middle = FRAMES // 2
        curve[middle : middle + len(found.moments)] = found.moments
        return Scores(
            figures={
                "lse_c": found.confidence,
                "lse_d": found.distance,
                "offset": float(found.later),
            },
            curves={"confidence": curve},
        )

    def _ready(self) -> int:
        """Windows of five crops and their sound that wait; as in the original, the last one is left out."""
        return min(self._seen, self._heard // SAMPLES_A_FRAME) - FRAMES - self._done

    def _take(self, count: int) -> None:
        faces = np.stack([self._crops[k : k + FRAMES] for k in range(count)])
        starts = range(0, count * ROWS_A_FRAME, ROWS_A_FRAME)
        sounds = np.stack([self._rows[k : k + COLUMNS] for k in starts])
        self._shifts.push(self._embedder.embed_faces(faces), self._embedder.embed_sound(sounds))
        self._crops, self._rows = self._crops[count:], self._rows[count * ROWS_A_FRAME :]
        self._done += count
