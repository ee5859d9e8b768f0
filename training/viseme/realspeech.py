"""Real people speaking known texts, for validation and for the final test; never for training.

`librivox` (pocketsphinx-testdata, public-domain LibriVox recordings) is the test set: looked at once a
network is final. `allison` (asterisk-core-sounds-en-g722) is the validation set that constants are chosen on.
"""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

from training.viseme.alignment import Aligner
from training.viseme.corpus import words_of
from training.viseme.phonemes import track
from training.viseme.speech import Samples

LIBRIVOX = Path("/usr/share/pocketsphinx/test/data/librivox")
ALLISON = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
ALLISON_TEXTS = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")
FEWEST_WORDS = 4


class Clip(NamedTuple):
    """16 kHz mono samples with the viseme of every 10 ms."""

    name: str
    samples: Samples
    labels: NDArray[np.int8]


def _g722(path: Path) -> Samples:
    import av

    with av.open(str(path), format="g722") as container:
        blocks = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    samples: Samples = np.concatenate(blocks).astype(np.float32)
    return samples / np.float32(32768)


def _aligned(items: list[tuple[str, Samples, str]]) -> list[Clip]:
    aligner = Aligner()
    clips = []
    for name, samples, words in items:
        segments = aligner.align(samples, words)
        if segments is not None:
            clips.append(Clip(name, samples, track(segments, len(samples) / 16000)))
    return clips


def librivox() -> list[Clip]:
    """Five sentences of "Sense and Sensibility", 24.7 s, a woman's voice at 64 kbit/s MP3 quality."""
    items = []
    for line in (LIBRIVOX / "transcription").read_text().splitlines():
        match = re.match(r"<s> (.*) </s> \((.*)\)", line.strip())
        if match:
            samples, _ = soundfile.read(LIBRIVOX / f"{match[2]}.wav", dtype="float32")
            items.append((match[2], samples, match[1]))
    return _aligned(items)


def allison() -> list[Clip]:
    """Telephone prompts of at least four words without digits or stage directions, G.722 at 16 kHz."""
    items = []
    texts = gzip.decompress(ALLISON_TEXTS.read_bytes()).decode("utf-8")
    for line in texts.splitlines():
        match = re.match(r"([\w/-]+): (.*)", line)
        if not match or re.search(r"[\[(\d]", match[2]):
            continue
        path = ALLISON / f"{match[1]}.g722"
        words = words_of(match[2])
        if len(words.split()) >= FEWEST_WORDS and path.exists():
            items.append((match[1], _g722(path), words))
    return _aligned(items)
