"""Streaming evaluation of `visemes.onnx`: mel frames and their statistics in, viseme weights out.

The one job: give the network exactly its receptive field, one step at a time. Every step is computed from a
window of the same size, so its bits do not depend on how the sound arrived. The whole window is normalised by
the statistics of its newest frame: the most that is known of the voice without waiting longer, which counts
in the first second.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.builtin.viseme.melspec import BANDS, HOP, SAMPLE_RATE, SILENT_FRAME, WINDOW, Array
from lipsync_core.builtin.viseme.normalisation import normalise

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MODEL = Path(__file__).with_name("visemes.onnx")
INPUT = "mel"

FRAMES_PER_STEP = 2
STEP_SAMPLES = FRAMES_PER_STEP * HOP
"""Samples between two steps (20 ms). Step i is centred on sample i * STEP_SAMPLES."""
STEP_FRAMES_BEFORE, STEP_FRAMES_AFTER = 2, 4
"""Step i sees mel frames 2i - 2 .. 2i + 3 directly ..."""
STEPS_BEFORE, STEPS_AFTER = 25, 3
"""... and, through its dilated convolutions, what steps i - 25 .. i + 3 see (training/viseme/net.py)."""

FRAMES_BEFORE = FRAMES_PER_STEP * STEPS_BEFORE + STEP_FRAMES_BEFORE
FRAMES_AFTER = FRAMES_PER_STEP * STEPS_AFTER + STEP_FRAMES_AFTER - FRAMES_PER_STEP
"""Frames before the first and after the last of the two frames of a step that the step depends on."""
RECEPTIVE_FRAMES = FRAMES_BEFORE + FRAMES_PER_STEP + FRAMES_AFTER
LOOKAHEAD_SAMPLES = (FRAMES_PER_STEP - 1 + FRAMES_AFTER) * HOP + WINDOW // 2
"""Samples after its own time that a step depends on (102.5 ms): its last frame and half a Hann window."""
LOOKAHEAD = LOOKAHEAD_SAMPLES / SAMPLE_RATE


def load(path: Path = MODEL, threads: int = 1) -> InferenceSession:
    """The network as an onnxruntime session on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class WeightStream:
    """Pushes log-mel frames, gives viseme weights; `session` may be shared by many streams."""

    def __init__(self, session: InferenceSession) -> None:
        self._session = session
        self._frames = np.tile(SILENT_FRAME, (FRAMES_BEFORE, 1))
        self._statistics = np.zeros((FRAMES_BEFORE, 2, BANDS), np.float32)
        """Of each frame; nothing is normalised by those before the first frame."""

    def push(self, frames: Array, statistics: Array) -> Array:
        """(t, BANDS) frames and the (t, 2, BANDS) statistics after each (`RunningStatistics`) -> (k, 15).

        The rows are the weights of the steps now complete; each sums to 1.
        """
        self._frames = np.concatenate([self._frames, frames])
        self._statistics = np.concatenate([self._statistics, statistics])
        count = max(0, (len(self._frames) - RECEPTIVE_FRAMES) // FRAMES_PER_STEP + 1)
        rows = [self._weights(i * FRAMES_PER_STEP) for i in range(count)]
        self._frames = self._frames[count * FRAMES_PER_STEP :].copy()
        self._statistics = self._statistics[count * FRAMES_PER_STEP :].copy()
        return np.concatenate(rows) if rows else np.zeros((0, 15), np.float32)

    def _weights(self, start: int) -> Array:
        mean, deviation = self._statistics[start + RECEPTIVE_FRAMES - 1]
        window = normalise(self._frames[start : start + RECEPTIVE_FRAMES], mean, deviation)
        logits: Array = self._session.run(None, {INPUT: window[None]})[0][0]
        exponentials = np.exp(logits - logits.max(-1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(-1, keepdims=True), np.float32)
