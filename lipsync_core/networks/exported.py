"""Names and finds ONNX exports in the cache: a file is called after the content it was made from."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

__all__ = ["find", "path_for"]


SAMPLES = 32
SAMPLE_BYTES = 65_536
"""A fingerprint reads this much at this many places, 2 MiB instead of 436, to stay within a probe's time.
Another training changes every tensor."""
END_BYTES = 262_144
"""And this much at the end, where a zip archive, as torch writes it, has checksums of all its parts."""


def fingerprint(checkpoint: Path) -> str:
    """16 hexadecimal digits that change with the content: of its size and of samples from end to end."""
    stat = checkpoint.stat()
    return _fingerprint(checkpoint, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=16)
def _fingerprint(checkpoint: Path, size: int, changed: int) -> str:
    """`changed` only tells the cache that a file is another one."""
    digest = hashlib.sha256(str(size).encode())
    with checkpoint.open("rb") as file:
        for k in range(SAMPLES):
            file.seek(max(0, size - SAMPLE_BYTES) * k // (SAMPLES - 1))
            digest.update(file.read(SAMPLE_BYTES))
        file.seek(max(0, size - END_BYTES))
        digest.update(file.read(END_BYTES))
    return digest.hexdigest()[:16]


def path_for(cache: Path, stem: str, checkpoint: Path) -> Path:
    """Where the ONNX export of a checkpoint belongs; `stem` is its published name without suffix."""
    return cache / f"{stem}-{fingerprint(checkpoint)}.onnx"


def find(cache: Path | None, stem: str, checkpoint: Path | None) -> Path | None:
    """The export of `checkpoint`; where the checkpoint is gone, the newest export of that name."""
    made = all_of(cache, stem) if cache is not None else []
    if cache is None or not made:
        return None
    if checkpoint is not None:
        try:
            path = path_for(cache, stem, checkpoint)
        except OSError:  # not readable: opening it will say so
            return None
        return path if path.is_file() else None
    return max(made, key=lambda p: p.stat().st_mtime)


def all_of(cache: Path, stem: str) -> list[Path]:
    """Every export of a checkpoint of that name, for any content."""
    return [path for path in cache.glob(f"{stem}-*.onnx") if path.is_file()]
