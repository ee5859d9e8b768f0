"""The texts that are spoken: sentences and word salads from Debian's fortunes and word lists."""

from __future__ import annotations

import random
import re
from pathlib import Path

FORTUNES = Path("/usr/share/games/fortunes")
DICTIONARIES = Path("/usr/share/dict")

_FORTUNE_DIRS = {"en": "", "de": "de", "es": "es", "it": "it", "pl": "pl"}
_WORD_LISTS = {
    "en": "american-english", "de": "ngerman", "es": "spanish", "it": "italian",
    "fr": "french", "pt": "portuguese", "pl": "polish", "nl": "dutch",
}  # fmt: skip
WORD_SALADS = 1500
"""Random word sequences per language beside the sentences: rare sound pairs, no grammar to lean on."""


def _sentences(folder: Path) -> list[str]:
    found: list[str] = []
    for path in sorted(folder.glob("*")):
        if path.is_dir() or path.suffix in (".dat", ".u8"):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        text = re.sub(r"\x1b\[[0-9;]*m", "", text)
        text = re.sub(r"\n%\n", " . ", text)
        text = re.sub(r"[\s\"<>*_~|=#]+", " ", text)
        found += [s.strip() for s in re.split(r"(?<=[.!?])\s", text) if 15 < len(s) < 140]
    return found


def _salads(path: Path, rng: random.Random) -> list[str]:
    if not path.exists():
        return []
    lines = (
        line.strip() for line in path.read_text(encoding="utf-8", errors="ignore").splitlines()
    )
    words = [w for w in lines if 2 < len(w) < 14 and "'" not in w]
    return [
        " ".join(rng.sample(words, rng.randint(3, 9))) + rng.choice(".?!,")
        for _ in range(WORD_SALADS)
    ]


def texts() -> dict[str, list[str]]:
    """Language -> its sentences; always the same for the same installed packages."""
    result: dict[str, list[str]] = {}
    for language, name in _WORD_LISTS.items():
        folder = _FORTUNE_DIRS.get(language)
        sentences = [] if folder is None else _sentences(FORTUNES / folder)
        result[language] = sentences + _salads(DICTIONARIES / name, random.Random(5))
    missing = [language for language, sentences in result.items() if not sentences]
    if missing:
        raise FileNotFoundError(
            f"no text for {', '.join(missing)}: install the Debian packages fortunes and word lists "
            "named in training/viseme/README.md"
        )
    return result


def plain_ascii(text: str) -> str:
    """Only what an English front end reads: letters, commas, full stops, apostrophes."""
    return re.sub(r"\s+", " ", re.sub(r"[^A-Za-z',.?! ]", " ", text)).strip()


def words_of(text: str) -> str:
    """Lower-case words with single spaces, the form a forced aligner wants."""
    return " ".join(re.sub(r"[^a-z' ]", " ", text.lower()).split())
