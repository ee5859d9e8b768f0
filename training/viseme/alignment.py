"""Forced alignment with PocketSphinx: sound and its known words in, viseme segments out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.viseme.phonemes import Segment, arpabet_segments
from training.viseme.speech import Samples

if TYPE_CHECKING:
    from pocketsphinx import Decoder

FRAMES_PER_SECOND = 100


class Aligner:
    """US English, 16 kHz. Words missing from the CMU dictionary make it give up on the sentence."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder

        self._decoder: Decoder = Decoder(samprate=16000, bestpath=False, loglevel="FATAL")

    def align(self, samples: Samples, words: str) -> list[Segment] | None:
        """Float32 samples at 16 kHz and lower-case words -> segments, None without an alignment."""
        pcm = (samples.clip(-1, 1) * 32767).astype(np.int16).tobytes()
        try:
            self._decoder.set_align_text(words)
            self._pass(pcm)
            if self._decoder.hyp() is None:
                return None
            self._decoder.set_alignment()
            self._pass(pcm)
        except RuntimeError:  # PocketSphinx says so of unknown words and of a failed search alike
            return None
        alignment = self._decoder.get_alignment()
        if alignment is None:
            return None
        segments: list[Segment] = []
        for word in alignment:
            for phone in word:
                start = phone.start / FRAMES_PER_SECOND
                end = (phone.start + phone.duration) / FRAMES_PER_SECOND
                segments += arpabet_segments(start, end, phone.name)
        return segments

    def _pass(self, pcm: bytes) -> None:
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()
