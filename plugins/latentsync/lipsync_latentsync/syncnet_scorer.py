"""StableSyncNet as a scorer: cosines of mouths and voice, at their own time and shifted."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.contracts import ScoreStream
from lipsync_core.networks.scorer import NetworkScorer
from lipsync_core.records import Scores
from lipsync_core.voice.mel import BANDS, HOP, SAMPLE_RATE, MelStream
from lipsync_latentsync.syncnet_spec import (
    AGREES,
    COLUMNS,
    FPS,
    FRAMES,
    REACH,
    STABLE_SYNCNET,
    STEP,
    SYNCNET_FILE,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext
    from lipsync_core.records import Crops, Samples
    from lipsync_latentsync.syncnet_embedder import Embedder

_FACES, _SOUNDS = 2, 8
"""Windows in one call of each half. Always as many but at the end, however the crops came: the size of a call
changes the last digits."""


class StableSyncNetScorer(NetworkScorer["Embedder"]):
    """See the module."""

    spec, file, title = STABLE_SYNCNET, SYNCNET_FILE, "StableSyncNet"

    def loaded(self, file: Path, context: OpenContext) -> Embedder:
        """See `NetworkScorer.loaded`."""
        from lipsync_latentsync.syncnet_embedder import Embedder

        return Embedder(file, context.device, context.threads)

    def span(self, network: Embedder) -> ScoreStream:
        """See `NetworkScorer.span`."""
        return _Span(network)


class _Span(ScoreStream):
    """Keeps the crops and rows of a batch, and the embeddings that shifts still reach."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._mel = MelStream(Fraction(FPS), COLUMNS)
        self._squares = np.zeros((0, *embedder.shape), np.uint8)
        self._rows = np.zeros((0, BANDS, COLUMNS), np.float32)
        self._seen = self._samples = 0
        self._at = 0  # frame that the next window begins with
        self._sounds: dict[int, NDArray[np.float32]] = {}
        self._faces: dict[int, NDArray[np.float32]] = {}
        self._heard = 0
        self._sums, self._counts = np.zeros(2 * REACH + 1), np.zeros(2 * REACH + 1)
        self._cosines: dict[int, float] = {}

    def push(self, crops: Crops, samples: Samples) -> None:
        """See `ScoreStream.push`."""
        self._seen += len(crops)
        self._samples += len(samples)
        if len(crops):
            self._squares = np.concatenate([self._squares, self._embedder.lower(crops.images)])
        self._rows = np.concatenate([self._rows, self._mel.push(samples)])
        while self._waiting >= _FACES:
            self._look(_FACES)
        while len(self._rows) >= _SOUNDS:
            self._listen(_SOUNDS)

    def finish(self) -> Scores:
        """See `ScoreStream.finish`; no figures of fewer than 16 crops, or without sound."""
        rest = self._mel.flush()
        whole = (
            self._whole - self._heard - len(self._rows)
        )  # after these, windows only repeat the end
        self._rows = np.concatenate([self._rows, rest[: max(0, whole)]])
        while (waiting := self._waiting) > 0:
            self._look(min(waiting, _FACES))
        while len(self._rows):
            self._listen(min(len(self._rows), _SOUNDS))
        curve = np.full(self._seen, np.nan, np.float32)
        for frame, cosine in self._cosines.items():
            curve[frame + FRAMES // 2] = cosine
        if not self._cosines:
            return Scores(figures={}, curves={"agreement": curve})
        cosines = np.array(list(self._cosines.values()))
        means = self._sums / np.maximum(self._counts, 1)
        # Fewer pairs say less: a shift counts that at least half of the windows have.
        means[self._counts * 2 < len(cosines)] = -1.0
        return Scores(
            figures={
                "agreement": float(cosines.mean()),
                "in_sync": float((cosines > AGREES).mean()),
                "offset": float(int(np.argmax(means)) - REACH),
            },
            curves={"agreement": curve},
        )

    @property
    def _whole(self) -> int:
        """Windows of sound that lie within what has come: the last begins 52 columns before its end."""
        last = self._samples // HOP + 1 - COLUMNS
        return max(0, -(-(last + 1) * FPS * HOP // SAMPLE_RATE))

    @property
    def _waiting(self) -> int:
        """Windows of faces that have arrived and are not yet embedded."""
        return (len(self._squares) - FRAMES) // STEP + 1

    def _look(self, count: int) -> None:
        starts = range(0, count * STEP, STEP)
        windows = np.stack([self._squares[at : at + FRAMES] for at in starts])
        for embedded in self._embedder.embed_faces(windows):
            self._faces[self._at] = embedded
            for later in range(-REACH, REACH + 1):
                self._pair(self._at, later)
            self._at += STEP
        self._squares = self._squares[count * STEP :]
        self._forget()

    def _listen(self, count: int) -> None:
        for embedded in self._embedder.embed_sound(self._rows[:count]):
            self._sounds[self._heard] = embedded
            for later in range(-REACH, REACH + 1):
                self._pair(self._heard - later, later)
            self._heard += 1
        self._rows = self._rows[count:]
        self._forget()

    def _pair(self, frame: int, later: int) -> None:
        """The window of faces from `frame` on with the voice `later` frames after it, if both are there."""
        face, sound = self._faces.get(frame), self._sounds.get(frame + later)
        if face is None or sound is None:
            return
        cosine = float(face @ sound)
        self._sums[REACH + later] += cosine
        self._counts[REACH + later] += 1
        if later == 0:
            self._cosines[frame] = cosine

    def _forget(self) -> None:
        """What no later window reaches."""
        self._faces = {k: v for k, v in self._faces.items() if k >= self._heard - REACH}
        self._sounds = {k: v for k, v in self._sounds.items() if k >= self._at - REACH}
