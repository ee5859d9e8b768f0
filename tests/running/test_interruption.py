"""What stops a job from outside is told in one sentence, and everything is as it was before."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lipsync_core.errors import Cancelled, OutputError
from lipsync_core.running import interruption
from lipsync_core.running.interruption import readable_io, terminated_is_cancelled, undivided


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


def test_a_file_that_is_not_named_lies_on_the_fullest_disk(monkeypatch, tmp_path):
    """A full cache is not the output's fault."""
    free = {tmp_path / "full": 0, tmp_path / "roomy": 1 << 30}
    for folder in free:
        folder.mkdir()
    usage = lambda folder: SimpleNamespace(free=free.get(folder, 1 << 40))  # noqa: E731
    monkeypatch.setattr(interruption.shutil, "disk_usage", usage)
    roomy, full = tmp_path / "roomy" / "out.mp4", tmp_path / "full"
    for places in ((roomy, full), (full, roomy)):
        with pytest.raises(OutputError, match=r"disk is full: .*full could"), readable_io(*places):
            raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_in_the_way_of_a_folder_is_told(tmp_path):
    (tmp_path / "cache").write_text("no folder")
    for folder in (tmp_path / "cache" / "runs", tmp_path / "cache"):
        with pytest.raises(OutputError, match="a file is in its way") as error, readable_io(folder):
            folder.mkdir()
        assert "LIPSYNC_CACHE" in error.value.hint


def test_other_errors_pass():
    with pytest.raises(FileNotFoundError), readable_io(Path("out.mp4")):
        raise FileNotFoundError(errno.ENOENT, "No such file", "x")


@pytest.mark.usefixtures("closed_terminal_is_heard")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_cancel_and_are_put_back(number: signal.Signals):
    before = signal.getsignal(number)
    with pytest.raises(Cancelled), terminated_is_cancelled():
        signal.raise_signal(number)
    assert signal.getsignal(number) is before


def test_a_closed_terminal_that_is_ignored_stays_ignored():
    """As `nohup` has it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with terminated_is_cancelled():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_waits_for_what_must_not_be_left_half_done(number):
    done = []
    with pytest.raises(Cancelled), terminated_is_cancelled():
        with undivided(), undivided():
            signal.raise_signal(number)
            done.append("the whole")
        done.append("more")
    assert done == ["the whole"]
    with terminated_is_cancelled(), undivided():
        done.append("nothing waits any longer")


def test_an_error_in_what_is_undivided_is_told_as_it_is():
    with pytest.raises(ValueError, match="of its own"), terminated_is_cancelled(), undivided():
        raise ValueError("of its own")


def test_stops_in_quick_succession_leave_no_thread_and_no_traceback():
    """A stop while a thread starts: Python's own threading module fails when it is interrupted there."""
    from lipsync_core.running.queues import ahead

    before = threading.active_count()
    for wait in np.linspace(0, 0.002, 120):
        timer = threading.Timer(wait, signal.raise_signal, (signal.SIGTERM,))
        with contextlib.suppress(Cancelled), terminated_is_cancelled():
            timer.start()
            while True:
                with closing(ahead(range(5), 2)) as items:
                    next(items)
        timer.join()
    assert threading.active_count() == before
