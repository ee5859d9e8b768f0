"""How a user gets weights that are missing: the command, in words for a hint."""

from __future__ import annotations

from collections.abc import Sequence

from lipsync_core.specs import WeightFile

__all__ = ["remedy"]


def remedy(name: str, files: Sequence[WeightFile]) -> str:
    """One or two commands that bring `files` of the plugin `name`.

    `lipsync weights pull NAME` where a repository is declared, else where the publisher offers the file and
    `lipsync weights import FILE`.
    """
    pulled = [w for w in files if w.repository]
    named = "".join(f" --file {w.path}" for w in pulled if w.optional)
    told = [f"lipsync weights pull {name}{named}"] if pulled else []
    for origin in dict.fromkeys(w.origin for w in files if not w.repository):
        names = ", ".join(w.path for w in files if not w.repository and w.origin == origin)
        source = origin or "its publisher"
        told.append(f"Get {names} from {source}, then: lipsync weights import FILE")
    return "; ".join(told)
