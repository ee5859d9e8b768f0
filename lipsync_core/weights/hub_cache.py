"""Finds files in the cache that Hugging Face's tools keep; looks at folders only, imports none of them.

Layout (documented by huggingface_hub): `models--OWNER--NAME/refs/main` holds a commit,
`models--OWNER--NAME/snapshots/COMMIT/FILE` is the file, usually a link to `blobs/ETAG`, where the ETAG of
a large file is its sha256.
"""

from __future__ import annotations

import os
import re
from pathlib import Path


def root() -> Path:
    """`HF_HUB_CACHE`, or `hub` below `HF_HOME` or the user's cache folder, as huggingface_hub decides."""
    chosen = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    home = os.environ.get("HF_HOME")
    if home:
        return Path(home).expanduser() / "hub"
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "huggingface" / "hub"


def find(repository: str, file: str) -> Path | None:
    """The file of the newest `main` that is in the cache, else of the snapshot used last; or None."""
    folder = root() / f"models--{repository.replace('/', '--')}"
    try:
        commit = (folder / "refs" / "main").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        commit = ""
    if commit and (path := folder / "snapshots" / commit / file).is_file():
        return path
    found = [(path.lstat().st_mtime, path) for path in folder.glob(f"snapshots/*/{file}")]
    return max(found)[1] if found and max(found)[1].is_file() else None


def sha256_of(path: Path) -> str | None:
    """The digest that the hub states for a file of the cache: the name of the blob it links to."""
    try:
        name = path.readlink().name
    except OSError:
        return None
    return name if re.fullmatch(r"[0-9a-f]{64}", name) else None
