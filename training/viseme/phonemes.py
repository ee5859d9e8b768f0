"""Phonemes to visemes: IPA and ARPAbet symbols in, 10 ms label tracks out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lipsync_core.builtin.viseme.targets import VISEMES

LABELS_PER_SECOND = 100
INDEX = {name: i for i, name in enumerate(VISEMES)}
BREATH = "h"
"""Not a viseme: /h/ has the mouth of the sound that follows."""

_IPA_GROUPS = {
    "PP": "p b m ɓ ʙ", "FF": "f v ɱ ʋ ɸ β ⱱ", "TH": "θ ð", "DD": "t d ʈ ɖ ɗ ɾ ɽ",
    "kk": "k ɡ g x ɣ q ɢ ŋ χ ʁ ħ ʕ ʔ ɴ c ɟ ɠ ʛ ɥ", "CH": "ʃ ʒ ɕ ʑ ʂ ʐ ʧ ʤ ç ʝ",
    "SS": "s z ʦ ʣ", "nn": "n l ɲ ɳ ɫ ʎ ɭ ɬ ɮ ʟ", "RR": "r ɹ ɻ ʀ ɚ ɝ ɜ",
    "aa": "a ɑ ʌ æ ɐ ɒ ä", "E": "e ɛ ə œ ɘ ɞ ɶ ᵊ", "ih": "i ɪ ɨ y ʏ j ᵻ",
    "oh": "o ɔ ɵ ø ɤ", "ou": "u ʊ w ʉ ɯ ʍ ᵿ", BREATH: "h ɦ",
}  # fmt: skip
IPA = {symbol: viseme for viseme, group in _IPA_GROUPS.items() for symbol in group.split()}

ARPABET: dict[str, tuple[str, ...]] = {
    "AA": ("aa",), "AE": ("aa",), "AH": ("aa",), "AO": ("oh",), "AW": ("aa", "ou"),
    "AX": ("E",), "AY": ("aa", "ih"), "B": ("PP",), "CH": ("DD", "CH"), "D": ("DD",),
    "DH": ("TH",), "EH": ("E",), "ER": ("RR",), "EY": ("E", "ih"), "F": ("FF",), "G": ("kk",),
    "HH": (BREATH,), "IH": ("ih",), "IY": ("ih",), "JH": ("DD", "CH"), "K": ("kk",),
    "L": ("nn",), "M": ("PP",), "N": ("nn",), "NG": ("kk",), "OW": ("oh", "ou"),
    "OY": ("oh", "ih"), "P": ("PP",), "R": ("RR",), "S": ("SS",), "SH": ("CH",), "T": ("DD",),
    "TH": ("TH",), "UH": ("ou",), "UW": ("ou",), "V": ("FF",), "W": ("ou",), "Y": ("ih",),
    "Z": ("SS",), "ZH": ("CH",),
}  # fmt: skip
SCHWA_SECONDS = 0.08
"""ARPAbet writes schwa as AH; shorter than this it is one, and the mouth hardly opens."""


class Segment(NamedTuple):
    """One viseme from `start` to `end` in seconds; `viseme` may be BREATH before `track`."""

    start: float
    end: float
    viseme: str


def split(start: float, end: float, visemes: tuple[str, ...]) -> list[Segment]:
    """A diphthong or affricate: its visemes share the time equally."""
    step = (end - start) / len(visemes)
    return [Segment(start + i * step, start + (i + 1) * step, v) for i, v in enumerate(visemes)]


def arpabet_segments(start: float, end: float, phone: str) -> list[Segment]:
    """One ARPAbet phone (any case, stress digits allowed); unknown ones are silence."""
    phone = phone.upper().rstrip("012")
    if phone == "AH" and end - start < SCHWA_SECONDS:
        phone = "AX"
    return split(start, end, ARPABET.get(phone, ("sil",)))


def ipa_visemes(symbols: str) -> tuple[str, ...]:
    """The visemes of one IPA phoneme as espeak-ng writes it; stress and length marks count for nothing."""
    found: list[str] = []
    for symbol in symbols:
        viseme = IPA.get(symbol)
        if viseme and (not found or found[-1] != viseme):
            found.append(viseme)
    return tuple(found)


def track(segments: list[Segment], seconds: float) -> NDArray[np.int8]:
    """Labels, one viseme index per 10 ms; label t stands for the time t / LABELS_PER_SECOND."""
    labels = np.zeros(int(seconds * LABELS_PER_SECOND) + 1, np.int8)
    following = "sil"
    resolved: list[Segment] = []
    for segment in reversed(segments):
        if segment.viseme == BREATH:
            viseme = following if following != "sil" else "E"
            segment = segment._replace(viseme=viseme)
        following = segment.viseme
        resolved.append(segment)
    for segment in reversed(resolved):
        first = round(segment.start * LABELS_PER_SECOND)
        last = max(round(segment.end * LABELS_PER_SECOND), first + 1)
        labels[first:last] = INDEX[segment.viseme]
    return labels
