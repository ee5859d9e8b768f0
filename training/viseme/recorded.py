"""Flite and Festival as speech sources: voices cut from recordings of people, with phone times.

`flite`: three statistical voices and one diphone voice of US and Scottish English speakers.
`festival`: diphone voices of another American and of two Italian speakers.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from training.viseme.corpus import plain_ascii, texts
from training.viseme.phonemes import Segment, arpabet_segments, split
from training.viseme.speech import Source, Speech

FLITE_VOICES = ("slt", "rms", "awb", "kal16")

_FESTIVAL_VOICES = (("ked_diphone", "en"), ("pc_diphone", "it"), ("lp_diphone", "it"))
_ITALIAN = {
    "p": ("PP",), "b": ("PP",), "m": ("PP",), "f": ("FF",), "v": ("FF",), "t": ("DD",),
    "d": ("DD",), "k": ("kk",), "g": ("kk",), "ng": ("kk",), "s": ("SS",), "z": ("SS",),
    "ts": ("DD", "SS"), "dz": ("DD", "SS"), "S": ("CH",), "tS": ("DD", "CH"),
    "dZ": ("DD", "CH"), "n": ("nn",), "nf": ("nn",), "J": ("nn",), "l": ("nn",), "L": ("nn",),
    "r": ("RR",), "a": ("aa",), "e": ("E",), "E": ("E",), "i": ("ih",), "j": ("ih",),
    "o": ("oh",), "O": ("oh",), "u": ("ou",), "w": ("ou",),
}  # fmt: skip
"""Phones of Festival's Italian voices (ifd phone set, close to SAMPA); stressed vowels end in 1."""


def _read(path: Path) -> tuple[np.ndarray, int]:
    samples, rate = soundfile.read(path, dtype="float32")
    return samples, int(rate)


class Flite(Source):
    """The `flite` command; `-psdur` prints every phone with its end time."""

    name = "flite"

    def __init__(self) -> None:
        self._texts = [t for t in map(plain_ascii, texts()["en"]) if len(t) > 15]
        self._voice = FLITE_VOICES[0]
        self._stretch = 1.0

    def cast(self, rng: np.random.Generator, held_out: bool) -> None:
        """Choose voice and tempo."""
        self._voice = str(rng.choice(FLITE_VOICES))
        self._stretch = float(rng.uniform(0.75, 1.35))

    def say(self, rng: np.random.Generator) -> Speech | None:
        """Speak one random sentence of the cast voice."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "speech.wav")
            command = [
                "flite", "-voice", self._voice, "--setf", f"duration_stretch={self._stretch:.2f}",
                "-psdur", "-t", str(rng.choice(self._texts)), "-o", str(path),
            ]  # fmt: skip
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode or not path.exists():
                return None
            samples, rate = _read(path)
        segments: list[Segment] = []
        start = 0.0
        for item in done.stdout.split():
            phone, end = item.rsplit(":", 1)
            segments += arpabet_segments(start, float(end), phone)
            start = float(end)
        return Speech(samples, rate, segments)


class Festival(Source):
    """The `festival` command in batch mode; saves the segment list of each utterance."""

    name = "festival"

    def __init__(self) -> None:
        corpus = texts()
        self._texts = {"en": [t for t in map(plain_ascii, corpus["en"]) if len(t) > 15]}
        self._texts["it"] = [t for t in corpus["it"] if '"' not in t and "\\" not in t]
        self._voice, self._language = _FESTIVAL_VOICES[0]
        self._stretch = 1.0

    def cast(self, rng: np.random.Generator, held_out: bool) -> None:
        """Choose voice and tempo."""
        self._voice, self._language = _FESTIVAL_VOICES[rng.choice(3, p=(0.6, 0.2, 0.2))]
        self._stretch = float(rng.uniform(0.7, 1.25))

    def say(self, rng: np.random.Generator) -> Speech | None:
        """Speak one random sentence of the cast voice."""
        text = str(rng.choice(self._texts[self._language]))
        # Festival's Italian front end reads Latin-1 (its voices are of 1999).
        encoded = text.encode("latin-1", "ignore")
        with tempfile.TemporaryDirectory() as folder:
            wav, labels, script = (Path(folder, name) for name in ("s.wav", "s.seg", "s.scm"))
            script.write_bytes(
                f"(voice_{self._voice})(Parameter.set 'Duration_Stretch {self._stretch:.2f})".encode()
                + b'(set! u (utt.synth (Utterance Text "' + encoded + b'")))'
                + f"(utt.save.wave u \"{wav}\" 'riff)(utt.save.segs u \"{labels}\")".encode()
            )  # fmt: skip
            command = ["festival", "-b", str(script)]
            done = subprocess.run(command, capture_output=True, check=False)
            if done.returncode or not wav.exists() or not labels.exists():
                return None
            samples, rate = _read(wav)
            lines = labels.read_text(encoding="latin-1").splitlines()
        segments: list[Segment] = []
        start = 0.0
        for line in lines[1:]:
            end, _, phone = line.split()
            if self._language == "en":
                segments += arpabet_segments(start, float(end), phone)
            else:
                name = phone if phone in _ITALIAN else phone.rstrip("1")
                segments += split(start, float(end), _ITALIAN.get(name, ("sil",)))
            start = float(end)
        return Speech(samples, rate, segments)
