"""What stops a job from outside: a full disk, Ctrl-C, the end of its process."""

from __future__ import annotations

import contextlib
import errno
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lipsync_core.errors import Cancelled, OutputError

_ALWAYS = (signal.SIGINT, signal.SIGTERM)
_SIGNALS = (*_ALWAYS, signal.SIGHUP) if hasattr(signal, "SIGHUP") else _ALWAYS
"""Windows has no SIGHUP."""


@contextmanager
def readable_io(*places: Path) -> Iterator[None]:
    """A full disk, or a folder that cannot be written, anywhere in the job becomes one clear error.

    Args:
        places: what the job writes; where the system does not say which file, the one on the fullest disk
            is named.

    Raises:
        OutputError: instead of the system's error.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            what = (
                "The file is too large for the disk"
                if error.errno == errno.EFBIG
                else "The disk is full"
            )
            raise OutputError(
                f"{what}: {error.filename or _on_the_fullest_disk(places)} could not be written.",
                "Free some space, then rerun the same command to resume.",
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise OutputError(
                f"{error.filename or places[0]} cannot be written: {error.strerror}.",
                "Choose another folder; that of the cache is named by LIPSYNC_CACHE.",
            ) from error
        if error.errno in (errno.ENOTDIR, errno.EEXIST):
            raise OutputError(
                f"The folder {error.filename or places[0]} cannot be made: a file is in its way.",
                "Remove that file, or choose another folder; that of the cache is named by LIPSYNC_CACHE.",
            ) from error
        raise


def _on_the_fullest_disk(places: tuple[Path, ...]) -> Path:
    return min(places, key=_free)


def _free(path: Path) -> int:
    """Free bytes of the disk on which `path` is or will be."""
    for folder in (path, *path.absolute().parents):
        with contextlib.suppress(OSError):
            return shutil.disk_usage(folder).free
    return 0


class _Stop:
    """Whether a stop may be raised now, or has to wait; of the main thread, the only one that is told."""

    holding = 0
    waiting = False


def _stop(number: int = 0, frame: object = None) -> None:
    if _Stop.holding:
        _Stop.waiting = True
        return
    raise Cancelled("The run was stopped.", "Rerun the same command to resume.")


@contextmanager
def undivided() -> Iterator[None]:
    """What is in here happens as a whole: a stop (`terminated_is_cancelled`) waits for its end.

    For what nobody cleans up after yet: a folder between its making and the block that removes it, or the
    start of a thread, which Python's own code does not survive half done.

    Raises:
        Cancelled: a stop came meanwhile.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _Stop.holding += 1
    try:
        yield
    finally:
        _Stop.holding -= 1
        if _Stop.waiting and not _Stop.holding:
            _Stop.waiting = False
            _stop()


@contextmanager
def terminated_is_cancelled() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal leave the job through its cleaning up; what is finished is kept.

    Where a closed terminal is ignored it stays so: `nohup` lets a job outlive it.

    Raises:
        Cancelled: the user stopped it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, _stop)
        for number in _SIGNALS
        if number in _ALWAYS or signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
