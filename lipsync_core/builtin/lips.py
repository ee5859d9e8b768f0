"""The embedded scorer `lips`: does the mouth open with the voice, and close on p, b and m?

Needs no weights: the mouth is measured on the landmarks, what it should do comes from the viseme network.
It compares landmarks with a network of this project, so it says more of timing than of beauty, and flatters
the generator `viseme`, which speaks by the same network.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.builtin.viseme.encoder import VisemeEncoder, VisemeStream
from lipsync_core.builtin.viseme.targets import CURVES, VISEMES
from lipsync_core.contracts import Scorer, ScoreStream
from lipsync_core.evaluation.sync import closed_at, drift, fit, onsets
from lipsync_core.faces.analysis import opening
from lipsync_core.faces.crops import invert, transform
from lipsync_core.records import Scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext
    from lipsync_core.records import Crops, Samples

RATE, SAMPLE_RATE = 25, 16_000
CLOSURE = 0.5
"""`press` above which the network detects closed lips; the threshold of its own evaluation."""
_JAW, _LOW, _UP, _PRESS = (
    len(VISEMES) + CURVES.index(name) for name in ("jaw", "low", "up", "press")
)


class LipsStream(ScoreStream):
    """Keeps two numbers a frame."""

    def __init__(self, voice: VisemeStream) -> None:
        self._voice = voice
        self._mouth: list[NDArray[np.float64]] = []
        self._rows: list[NDArray[np.float32]] = []

    def push(self, crops: Crops, samples: Samples) -> None:
        """Measure the lips on the landmarks, hear the sound."""
        if len(crops):
            pairs = zip(crops.landmarks, crops.matrices, strict=True)
            points = np.stack([transform(p, invert(m)) for p, m in pairs])
            self._mouth.append(opening(points, crops.scheme))
        if len(samples):
            self._rows.append(self._voice.push(samples))

    def finish(self) -> Scores:
        """Figures of the whole span."""
        self._rows.append(self._voice.flush())
        rows = np.concatenate(self._rows).astype(np.float64)
        mouth = np.concatenate([*self._mouth, np.zeros(0)])
        wanted = rows[:, _JAW] + 0.15 * (rows[:, _LOW] + rows[:, _UP])
        heard = np.full(len(mouth), np.nan)
        heard[: len(wanted)] = wanted[: len(mouth)]
        found = fit(mouth, heard, RATE)
        times = onsets(rows[: len(mouth), _PRESS], CLOSURE) / RATE
        closed = closed_at(mouth, times, RATE)
        figures = {
            "correlation": found.best,
            "correlation_at_0": found.at_zero,
            "closures_heard": float(len(closed)),
        }
        if found.offset is not None:
            figures["offset_ms"] = -1000 * found.offset
        slope = drift(mouth, heard, RATE)
        if slope is not None:
            figures["drift_ms"] = -1000 * 60 * slope
        if len(closed):
            figures["closures_seen"] = float(closed.mean())
        curves = {"mouth": mouth.astype(np.float32), "voice": heard.astype(np.float32)}
        return Scores(figures=figures, curves=curves)


class LipsScorer(Scorer):
    """Holds the network; streams share it."""

    def __init__(self) -> None:
        self._encoder = VisemeEncoder()

    def open(self, context: OpenContext) -> None:
        """Load the bundled network."""
        self._encoder.open(context)

    def stream(self) -> LipsStream:
        """Begin a span."""
        return LipsStream(self._encoder.stream(SAMPLE_RATE, Fraction(RATE)))

    def close(self) -> None:
        """Release the network."""
        self._encoder.close()
