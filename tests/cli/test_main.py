"""`main`: whatever happens ends in a sentence and an exit code."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from commandline import lipsync

import lipsync_core.cli.app
from lipsync_core import __version__
from lipsync_core.cli import main
from lipsync_core.errors import UsageError


class Fails:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def main(self, **options: object) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (UsageError("No [x].", "Do."), 2)]
)
def test_the_exit_code_of_an_error(monkeypatch, error: BaseException, code: int):
    monkeypatch.setattr(lipsync_core.cli.app, "build", lambda words: Fails(error))
    done = lipsync("run")
    assert done.returncode == code
    assert done.stderr == ("" if code == 130 else "Error: No [x].\nRemedy: Do.\n")


def test_an_error_without_a_remedy(monkeypatch):
    monkeypatch.setattr(lipsync_core.cli.app, "build", lambda words: Fails(UsageError("No.")))
    assert lipsync("run").stderr == "Error: No.\n"


def test_a_closed_pipe_ends_quietly(monkeypatch, tmp_path):
    monkeypatch.setattr(lipsync_core.cli.app, "build", lambda words: Fails(BrokenPipeError()))
    read, write = os.pipe()
    with os.fdopen(write, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        with pytest.raises(SystemExit) as end:
            main(["run"])
        os.close(read)
        pipe.write("nobody reads this")
        pipe.flush()  # it goes to the null device
    assert end.value.code == 0


def test_the_words_of_the_process_are_taken(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["lipsync", "--version"])
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().out == f"lipsync {__version__}\n"


def test_python_m_is_the_same_command():
    done = subprocess.run(
        [sys.executable, "-m", "lipsync_core", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"lipsync {__version__}\n"
