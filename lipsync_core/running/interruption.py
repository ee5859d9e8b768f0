"""What stops a job from outside: a full disk, Ctrl-C, the end of its process."""

from __future__ import annotations

import errno
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lipsync_core.errors import Cancelled, OutputError


@contextmanager
def readable_io(path: Path) -> Iterator[None]:
    """A full disk, or a folder that may not be written, anywhere in the job becomes one clear error.

    Args:
        path: named where the system does not say which file.

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
                f"{what}: {error.filename or path} could not be written.",
                "Free some space, then rerun the same command to resume.",
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise OutputError(
                f"{error.filename or path} cannot be written: {error.strerror}.",
                "Choose another folder; that of the cache is named by LIPSYNC_CACHE.",
            ) from error
        raise


@contextmanager
def terminated_is_cancelled() -> Iterator[None]:
    """SIGTERM and Ctrl-C leave the job through its cleaning up, with what is finished kept.

    Raises:
        Cancelled: the user stopped it.
    """

    def stop(number: int, frame: object) -> None:
        raise Cancelled("The run was stopped.", "Rerun the same command to resume.")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
