"""Checksums: of files, and the memory of what they were when they came.

`digests.json` beside a plugin's weights lets `verify` find later damage where the publisher states no
checksum.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lipsync_core.weights.meter import Meter

__all__ = ["sha256", "sync"]


FILE = "digests.json"
_BLOCK = 1 << 20


def sha256(path: Path, meter: Meter | None = None, name: str = "") -> str:
    """Hexadecimal digest of a file, read once; `name` is what the meter calls it."""
    digest = hashlib.sha256()
    if meter:
        meter.start(f"checking {name or path.name}", path.stat().st_size)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            if meter:
                meter.advance(len(block))
    return digest.hexdigest()


def remembered(folder: Path) -> dict[str, str]:
    """Path below `folder` -> sha256 when it came; empty when there is no (readable) memory."""
    try:
        read = json.loads((folder / FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in read.items()} if isinstance(read, Mapping) else {}


def remember(folder: Path, changes: Mapping[str, str | None]) -> None:
    """Note digests; None forgets a path."""
    folder.mkdir(parents=True, exist_ok=True)
    from filelock import FileLock  # only a writer needs it

    with FileLock(folder / f".{FILE}.lock"):
        kept = {**remembered(folder), **changes}
        text = json.dumps({k: v for k, v in sorted(kept.items()) if v}, indent=1)
        with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".digests-", delete=False) as new:
            new.write(text)
        Path(new.name).replace(folder / FILE)


def sync(path: Path) -> None:
    """Have the disk hold what was written, before a rename makes it count."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
