"""Says whether weight files are still what they were: by the publisher's checksum, or the remembered one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lipsync_core.errors import PluginUnavailable
from lipsync_core.weights import digests, hub_cache, location
from lipsync_core.weights.entries import Entry
from lipsync_core.weights.meter import Meter
from lipsync_core.weights.outline import differences, outline

State = Literal["whole", "damaged", "new", "absent"]
"""`new`: nothing says what it should be; its checksum is remembered from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found: the state, by which knowledge, and where."""

    entry: Entry
    state: State
    detail: str = ""
    path: Path | None = None


def verify(entry: Entry, meter: Meter | None = None) -> Verdict:
    """Read the file of `entry` and compare."""
    path = entry.find()
    if path is None:
        return Verdict(entry=entry, state="absent", detail="not here")
    folder = location.folder(entry.spec)
    wanted, source = _expected(entry, path)
    try:
        digest = digests.sha256(path, meter)
    except OSError as error:
        return Verdict(entry=entry, state="damaged", detail=f"cannot be read: {error}", path=path)
    if wanted is not None and digest != wanted:
        told = f"sha256 {digest[:12]}... is not {source} {wanted[:12]}..."
        return Verdict(entry=entry, state="damaged", detail=told, path=path)
    if entry.weight.holds:
        try:
            told = "; ".join(differences(entry.weight, outline(path))[:3])
        except PluginUnavailable as error:
            told = error.message
        if told:
            return Verdict(entry=entry, state="damaged", detail=told, path=path)
    if wanted is not None:
        return Verdict(entry=entry, state="whole", detail=f"sha256 is {source}", path=path)
    digests.remember(folder, {_key(folder, path): digest})
    return Verdict(
        entry=entry, state="new", detail="no checksum was known; remembered now", path=path
    )


def _expected(entry: Entry, path: Path) -> tuple[str | None, str]:
    """The digest it should have, and who says so."""
    if entry.weight.sha256:
        return entry.weight.sha256, "the declared one"
    hub = hub_cache.sha256_of(path) if hub_cache.root() in path.parents else None
    if hub:
        return hub, "the hub's"
    folder = location.folder(entry.spec)
    return digests.remembered(folder).get(_key(folder, path)), "the one it came with"


def _key(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix() if folder in path.parents else str(path)
