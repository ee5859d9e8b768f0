"""The audio encoder plugin `viseme`: sound in, 15 viseme weights and 8 articulation values a frame out.

The one job: wire mel, network, loudness and articulation into the contract's stream, and count rows.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lipsync_core.builtin.viseme import articulation, network
from lipsync_core.builtin.viseme.articulation import ArticulationStream
from lipsync_core.builtin.viseme.loudness import LoudnessStream
from lipsync_core.builtin.viseme.melspec import SAMPLE_RATE, Array, LogMel
from lipsync_core.builtin.viseme.normalisation import RunningStatistics
from lipsync_core.builtin.viseme.targets import CURVES, VISEMES
from lipsync_core.contracts import AudioEncoder, FeatureStream, OpenContext
from lipsync_core.errors import PluginFault

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

ROW = len(VISEMES) + len(CURVES)
"""Numbers in a row: viseme weights (they sum to 1), then the articulation curves (all 0 at rest)."""


def lookahead(fps: Fraction) -> Fraction:
    """Seconds of sound after a frame's time that its row depends on: 0.203 at 23.976 to 0.2025 from 25 up."""
    return Fraction(network.LOOKAHEAD_SAMPLES, SAMPLE_RATE) + articulation.lookahead(fps)


LOOKAHEAD = 0.204
"""`lookahead` in seconds, rounded up, for 23.976 frames a second and faster."""


class VisemeStream(FeatureStream):
    """One voice. Rows come as soon as `lookahead` allows, with the same bits for any sizes of the pushes."""

    def __init__(self, session: InferenceSession, fps: Fraction) -> None:
        self._fps = fps
        self._mel = LogMel()
        self._statistics = RunningStatistics()
        self._visemes = network.WeightStream(session)
        self._loudness = LoudnessStream()
        self._loud = np.zeros(0)
        self._articulation = ArticulationStream(fps)
        self._samples = 0
        self._rows = 0

    def push(self, samples: Array) -> NDArray[np.float32]:
        """Float32 mono (n,) in -1..1 -> (k, 23) rows now certain; NaN and infinity count as silence."""
        rows = self._advance(np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0))
        self._samples += len(samples)
        self._rows += len(rows)
        return rows

    def flush(self) -> NDArray[np.float32]:
        """The rows of the end, as if silence followed: ceil(duration * fps) in all."""
        wanted = math.ceil(Fraction(self._samples, SAMPLE_RATE) * self._fps) - self._rows
        silence = math.ceil((lookahead(self._fps) + 2 * articulation.STEP) * SAMPLE_RATE)
        rows = self._advance(np.zeros(silence, np.float32))[:wanted]
        self._rows += len(rows)
        return rows

    def _advance(self, samples: Array) -> NDArray[np.float32]:
        mel = self._mel.push(samples)
        weights = self._visemes.push(mel, self._statistics.push(mel))
        self._loud = np.concatenate([self._loud, self._loudness.push(samples)])
        loud, self._loud = self._loud[: len(weights)], self._loud[len(weights) :]
        return self._articulation.push(weights, loud).astype(np.float32)


class VisemeEncoder(AudioEncoder):
    """Holds the network; streams share it."""

    def __init__(self) -> None:
        self._session: InferenceSession | None = None

    def open(self, context: OpenContext) -> None:
        """Load the network that ships with the package."""
        self._session = network.load(threads=1)

    def stream(self, sample_rate: int, fps: Fraction) -> VisemeStream:
        """Begin a voice; `sample_rate` must be the declared 16 000."""
        session = self.opened(self._session, "viseme")
        if sample_rate != SAMPLE_RATE:
            raise PluginFault(
                f"the audio encoder viseme was handed sound at {sample_rate} Hz",
                f"resample to {SAMPLE_RATE} Hz first, the rate its spec declares",
            )
        return VisemeStream(session, fps)

    def close(self) -> None:
        """Release the network."""
        self._session = None
