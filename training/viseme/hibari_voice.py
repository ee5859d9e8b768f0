"""hibari-tts as a speech source: a neural voice, labelled by forced alignment.

Alignment beats the model's own phoneme durations as labels: those are 25 ms coarse and late.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import resample_poly

from training.viseme.alignment import Aligner
from training.viseme.corpus import plain_ascii, texts, words_of
from training.viseme.speech import Source, Speech

RATE = 24000
PITCH_INPUT = 5
"""The sixth of the vocoder's inputs is the fundamental frequency, which is scaled for other voices."""


class Hibari(Source):
    """The voice inside the hibari-tts package at random speeds and pitches."""

    name = "hibari"

    def __init__(self) -> None:
        import hibari
        import onnxruntime
        from hibari import tts

        self._front = hibari.Hibari()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(self._front.model_path, options)
        self._vocoder = tts.dsp
        self._texts = [t for t in map(plain_ascii, texts()["en"]) if len(t) > 15]
        self._aligner = Aligner()
        self._speed, self._pitch = 1.0, 1.0

    def cast(self, rng: np.random.Generator, held_out: bool) -> None:
        """Choose speed and pitch."""
        self._speed = float(rng.uniform(0.8, 1.35))
        self._pitch = float(rng.uniform(0.5, 1.3))

    def say(self, rng: np.random.Generator) -> Speech | None:
        """Speak one random sentence of the cast voice."""
        text = str(rng.choice(self._texts))
        pieces = []
        for phonemes in self._front.phonemize(text):
            inputs = {
                "ids": np.asarray([self._front.ids(phonemes)], np.int64),
                "speed": np.asarray([self._speed], np.float32),
            }
            acoustics = [value[0] for value in self._session.run(None, inputs)[:6]]
            acoustics[PITCH_INPUT] = acoustics[PITCH_INPUT] * self._pitch
            pieces.append(self._vocoder.synth(*acoustics, rng))
        if not pieces:
            return None
        samples = np.concatenate(pieces).astype(np.float32)
        segments = self._aligner.align(
            resample_poly(samples, 2, 3).astype(np.float32), words_of(text)
        )
        return None if segments is None else Speech(samples, RATE, segments)
