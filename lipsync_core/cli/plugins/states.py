"""Whether a plugin runs here, in one word or two for a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lipsync_core.contracts import Lack, Ready
from lipsync_core.registry import PluginRow
from lipsync_core.registry.probing import probe
from lipsync_core.specs import PluginSpec

__all__ = ["State", "Word", "state_of", "state_of_row"]

Word = Literal[
    "ready",
    "needs package",
    "needs weights",
    "needs device",
    "needs setup",
    "broken",
    "disabled",
    "conflict",
]
_WORDS: dict[Lack, Word] = {
    "package": "needs package",
    "weights": "needs weights",
    "device": "needs device",
    "setup": "needs setup",
    "fault": "broken",
}
COLOURS: dict[Word, str] = {
    "ready": "green",
    "needs package": "yellow",
    "needs weights": "yellow",
    "needs device": "yellow",
    "needs setup": "yellow",
    "broken": "bold red",
    "disabled": "dim",
    "conflict": "bold red",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The word, why, and what to do about it; `reason` of a ready plugin says on which device."""

    word: Word
    reason: str = ""
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """The state as plain data."""
        return {"state": self.word, "reason": self.reason, "remedy": self.remedy}


def state_of(spec: PluginSpec) -> State:
    """Probe a plugin."""
    result = probe(spec)
    if isinstance(result, Ready):
        return State(word="ready", reason=result.detail)
    return State(word=_WORDS[result.lacks], reason=result.reason, remedy=result.hint)


def state_of_row(row: PluginRow) -> State | None:
    """The state of a package that could not be loaded as a whole; None where it was."""
    if row.status == "ok":
        return None
    return State(word=row.status, reason=row.reason, remedy=row.remedy)
