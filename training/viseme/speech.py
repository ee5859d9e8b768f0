"""What every speech source gives: sound with the time of each viseme, and how voices are varied."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from lipsync_core.builtin.viseme.melspec import SAMPLE_RATE
from training.viseme.phonemes import Segment

Samples = NDArray[np.float32]


class Speech(NamedTuple):
    """Float32 mono samples in -1..1 at `rate` Hz, and what is said when (seconds)."""

    samples: Samples
    rate: int
    segments: list[Segment]


class Source(ABC):
    """A synthesiser. `held_out` voices are kept from training, where a source has voices to spare."""

    name: str

    @abstractmethod
    def cast(self, rng: np.random.Generator, held_out: bool) -> None:
        """Choose the voice, its pitch and its speed for the sentences that follow."""

    @abstractmethod
    def say(self, rng: np.random.Generator) -> Speech | None:
        """Speak one random sentence; None where the synthesiser or the aligner gave up."""


def at_model_rate(speech: Speech, warp: float) -> Speech:
    """Resample to SAMPLE_RATE, played `warp` times faster: pitch, formants and tempo move together.

    A warp of 0.84 to 1.2 turns one recorded voice into larger and smaller talkers.
    """
    down = round(speech.rate * warp / 100)
    samples = resample_poly(speech.samples, SAMPLE_RATE // 100, down).astype(np.float32)
    scale = speech.rate / (down * 100)
    segments = [Segment(s.start * scale, s.end * scale, s.viseme) for s in speech.segments]
    return Speech(samples, SAMPLE_RATE, segments)
