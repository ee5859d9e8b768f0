"""Where results go: checked before the work, written beside, moved into place in one step."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lipsync_core.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
"""Output endings and FFmpeg's name of the container."""
_SPARE_BYTES = 32 * 1024 * 1024


NAME_MAX = 255
"""Bytes that the name of a file may have on the common file systems."""


def is_folder(path: Path) -> bool:
    """Whether `path` is a folder; a name that no file can have is none, where `Path.is_dir` raises."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_same_file(path: Path, other: Path) -> bool:
    """Whether both are there and are one file."""
    try:
        return path.samefile(other)
    except OSError:
        return False


def beside(path: Path, ending: str) -> Path:
    """Return the file beside `path` whose name is that of `path` with `ending` after it.

    Where that is too long for a file system, the middle gives way to a digest of the name: files with
    different names get different ones.
    """
    room = NAME_MAX - len(os.fsencode(ending))
    name = os.fsencode(path.name)
    if len(name) > room:
        mark = b"~" + hashlib.blake2b(name, digest_size=4).hexdigest().encode()
        kept = name[: room - len(mark)].decode("utf-8", "ignore")
        name = kept.encode() + mark
    return path.with_name(os.fsdecode(name) + ending)


def readable(name: str) -> str:
    """Return a file name as text that can be drawn: bytes that are no text become question marks."""
    return name.encode("utf-8", "replace").decode()


def json_bytes(data: object) -> bytes:
    r"""Return data as readable JSON in UTF-8; what JSON does not know, such as a path, as text.

    Bytes of a file name that are not UTF-8 become escapes (`\udce9`), which Python reads back as the name.
    """
    text = json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n"
    return text.encode("utf-8", "backslashreplace")


def container_of(path: Path) -> str:
    """Return FFmpeg's container name for an output path.

    Raises:
        OutputError: the ending is none of `CONTAINERS`.
    """
    try:
        return CONTAINERS[path.suffix.lower()]
    except KeyError:
        known = ", ".join(CONTAINERS)
        raise OutputError(
            f"The output {path} has an ending this tool does not write.", f"Use one of {known}."
        ) from None


def check_output(path: Path, inputs: Sequence[Path] = (), needed_bytes: int = 0) -> None:
    """Make sure, before any work, that `path` can be written.

    Args:
        path: the output file; an existing file may be replaced.
        inputs: files that must not be overwritten.
        needed_bytes: rough size of the output and its temporary files.

    Raises:
        OutputError: ending, folder, rights, space, or an input in the way.
    """
    container_of(path)
    if len(os.fsencode(path.name)) > NAME_MAX:
        raise OutputError(
            f"The name of the output {path} is too long.", f"Use at most {NAME_MAX} bytes."
        )
    folder = _followed(path).parent
    if is_folder(path):
        raise OutputError(f"The output {path} is a folder.", "Give the name of a file in it.")
    if not folder.is_dir():
        raise OutputError(
            f"The folder {folder} for the output {path.name} does not exist.",
            f"Create it first: mkdir -p {folder}",
        )
    for given in inputs:
        if is_same_file(path, given):
            raise OutputError(
                f"The output {path} is one of the inputs.", "Choose another name for the output."
            )
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(
            f"The folder {folder} cannot be written to: {error.strerror or error}.",
            "Choose a folder you may write to.",
        ) from error
    free = shutil.disk_usage(folder).free
    if free < needed_bytes + _SPARE_BYTES:
        raise OutputError(
            f"The disk of {folder} has only {free // 1_000_000} MB left.",
            "Free some space or choose another folder.",
        )


@contextlib.contextmanager
def atomic_output(path: Path) -> Iterator[Path]:
    """Give a hidden temporary path beside `path`; move it into place when the block ends well.

    The file is synced to disk first. On any error it is deleted and an existing `path` stays. Where
    `path` is a symbolic link, the file that it names is replaced.

    Raises:
        OutputError: the folder is gone, full or not writable.
    """
    try:
        path = _followed(path)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise _unwritable(path, error) from error
    part = Path(name)
    try:
        yield part
        try:
            _sync(part)
            part.chmod(0o666 & ~_umask())
            part.replace(path)
            _sync(path.parent)
        except OSError as error:
            raise _unwritable(path, error) from error
    finally:
        part.unlink(missing_ok=True)


def _followed(path: Path) -> Path:
    """The file that a symbolic link names, or `path` itself."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"The output {path} cannot be written: {error.strerror or error}.",
        "Check the folder's rights and free space.",
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync(path: Path) -> None:
    """Flush a file or folder to disk; on Windows folders cannot be opened and are left."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
