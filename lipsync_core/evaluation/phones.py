"""Reads when which phone was spoken: Praat TextGrid, CTM, or plain lines of start, end and phone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lipsync_core.errors import UnsupportedInput

LIPS_CLOSE = frozenset({"p", "b", "m"})
"""Bilabials of ARPAbet, X-SAMPA and IPA alike."""
_LONG = re.compile(
    r"xmin\s*=\s*([\d.eE+-]+)\s+xmax\s*=\s*([\d.eE+-]+)\s+text\s*=\s*\"([^\"]*)\"", re.MULTILINE
)
_TIER = re.compile(r"name\s*=\s*\"([^\"]*)\"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """One phone: seconds from and to, and its label as written."""

    start: float
    end: float
    label: str

    @property
    def closes_lips(self) -> bool:
        """Whether it is a p, b or m (stress digits, length and aspiration marks do not count)."""
        return re.sub(r"_h|[\d_:ʰː'\"]", "", self.label).lower() in LIPS_CLOSE


def read_phones(path: Path) -> list[Phone]:
    """The phones of a file in order of time.

    Forms: Praat TextGrid (the tier whose name begins with "phone", else the last), CTM (`utterance channel
    start length phone`), or lines of `start end phone`, in seconds.

    Raises:
        UnsupportedInput: the file cannot be read, or is none of these.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UnsupportedInput(
            f"The phones {path} cannot be read: {error}.",
            "Give a TextGrid, CTM or label file in UTF-8.",
        ) from error
    found = _text_grid(text) if "TextGrid" in text[:200] else _lines(text)
    if not found:
        raise UnsupportedInput(
            f"No phones were found in {path}.",
            "Give a Praat TextGrid, a CTM file, or lines of start, end (seconds) and phone.",
        )
    return sorted(found, key=lambda p: p.start)


def _text_grid(text: str) -> list[Phone]:
    parts = re.split(r"item\s*\[\d+\]\s*:", text)[1:]
    named = [(m.group(1) if (m := _TIER.search(part)) else "", part) for part in parts]
    chosen = next((p for name, p in named if name.lower().startswith("phone")), None)
    if chosen is None:
        chosen = named[-1][1] if named else ""
    return [
        Phone(start=float(a), end=float(b), label=label.strip())
        for a, b, label in _LONG.findall(chosen)
        if label.strip()
    ]


def _lines(text: str) -> list[Phone]:
    found: list[Phone] = []
    for line in text.splitlines():
        words = line.split()
        try:
            if len(words) >= 5:
                start = float(words[2])
                found.append(Phone(start=start, end=start + float(words[3]), label=words[4]))
            elif len(words) == 3:
                found.append(Phone(start=float(words[0]), end=float(words[1]), label=words[2]))
        except ValueError:
            continue
    return found
