"""Digests of inputs by their content, so that caches and runs find their own files again."""

from __future__ import annotations

import hashlib
from pathlib import Path

from lipsync_core.media.probe import TargetInfo


def content_hash(path: Path) -> str:
    """BLAKE2 digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def target_hash(info: TargetInfo) -> str:
    """BLAKE2 digest of a target's content and form; of a folder's pictures, in their order."""
    if info.conformed is not None:
        form = [info.video, info.conformed, target_hash(info.conformed.original)]
        text = " ".join(map(str, form))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    if not info.pictures:
        content = content_hash(info.path)
        if info.tracks == 1:
            return content
        track = f"{content} track {info.track}"
        return hashlib.blake2b(track.encode(), digest_size=16).hexdigest()
    whole = hashlib.blake2b(str(info.video.frame_rate).encode(), digest_size=16)
    for path in info.pictures:
        whole.update(content_hash(path).encode())
    return whole.hexdigest()
