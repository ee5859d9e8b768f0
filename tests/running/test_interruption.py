"""What stops a job from outside is told in one sentence, and everything is as it was before."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest

from lipsync_core.errors import Cancelled, OutputError
from lipsync_core.running.interruption import readable_io, terminated_is_cancelled


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ENOSPC, "^The disk is full: /cache/x could not be written"),
        (errno.EFBIG, "^The file is too large for the disk: /cache/x"),
        (errno.EACCES, "^/cache/x cannot be written: Permission denied"),
        (errno.EROFS, "^/cache/x cannot be written: Read-only file system"),
    ],
)
def test_what_the_disk_refuses_is_told(number: int, told: str):
    with pytest.raises(OutputError, match=told), readable_io(Path("out.mp4")):
        raise OSError(number, os.strerror(number), "/cache/x")


def test_a_file_that_is_not_named_is_the_output():
    with pytest.raises(OutputError, match=r"out\.mp4"), readable_io(Path("out.mp4")):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_other_errors_pass():
    with pytest.raises(FileNotFoundError), readable_io(Path("out.mp4")):
        raise FileNotFoundError(errno.ENOENT, "No such file", "x")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_cancel_and_are_put_back(number: signal.Signals):
    before = signal.getsignal(number)
    with pytest.raises(Cancelled), terminated_is_cancelled():
        signal.raise_signal(number)
    assert signal.getsignal(number) is before
