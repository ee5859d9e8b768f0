"""Whole runs for plugin tests: the command line on the bundled portrait and voice, and what it made."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import traceback
import wave
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import av
import numpy as np
from numpy.typing import NDArray

from lipsync_core import samples
from lipsync_core.conformance.inputs import FPS, PORTRAIT_FACE, voice

RATE = 16_000
CLEARLY = 24
"""Levels; what encoding changes stays below."""
Frames = NDArray[np.uint8]
"""`(N, H, W, 3)` RGB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """What a run made.

    Attributes:
        path: the video.
        report: as `--json` tells it.
        frames: `(N, 512, 512, 3)` RGB.
    """

    path: Path
    report: dict[str, Any]
    frames: Frames


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """Where two videos of the portrait differ clearly in any frame, as shares of the pixels there.

    Attributes:
        mouth: around the mouth.
        forehead: the upper rows of the face, between and above the brows.
        outside: everything beside the face and its surroundings.
    """

    mouth: float
    forehead: float
    outside: float


def lipsync(*words: object, **env: str) -> subprocess.CompletedProcess[str]:
    """The command line in this process and this test's folders; its sentences are not broken up.

    An error that nobody caught becomes a traceback in `stderr` and exit code 1, as in a process of its own.
    A plugin may set how many threads torch uses: afterwards it uses as many as before.

    Args:
        words: as after `lipsync` in a shell.
        env: environment variables during the call.

    Raises:
        KeyboardInterrupt: the test is stopped.
    """
    main = _command_line()
    given = [str(word) for word in words]
    told, said = io.StringIO(), io.StringIO()
    code = 0
    with (
        patch.dict(os.environ, {"COLUMNS": "300"} | env),
        redirect_stdout(told),
        redirect_stderr(said),
        _torch_as_it_was(),
    ):
        try:
            main(given)
        except SystemExit as ended:
            code = _exit_code(ended, said)
        except Exception:  # noqa: BLE001 - what the interpreter would print before it ends
            said.write(traceback.format_exc())
            code = 1
    return subprocess.CompletedProcess(given, code, told.getvalue(), said.getvalue())


@cache
def _command_line() -> Callable[[Sequence[str]], None]:
    """`main`; its consoles are made while COLUMNS is unset, or they would keep that width for good."""
    with patch.dict(os.environ):
        os.environ.pop("COLUMNS", None)
        from lipsync_core.cli import console as console
        from lipsync_core.cli import main
    return main


def _exit_code(ended: SystemExit, said: io.StringIO) -> int:
    """The process's exit code, as the interpreter derives it."""
    if ended.code is None or isinstance(ended.code, int):
        return ended.code or 0
    said.write(f"{ended.code}\n")
    return 1


@contextmanager
def _torch_as_it_was() -> Iterator[None]:
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch else None
    yield
    if torch and torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


def talk(folder: Path, frames: int, *words: object) -> Talk:
    """`lipsync run` on the bundled portrait, which keeps still but for what is generated, also in silence.

    So `talk(folder, 10, "--generator", "mymodel", "--strict").frames` shows what a generator does, and
    `changed` where. Hardly anything is lost in encoding.

    Args:
        folder: where the video goes, under a name that is free.
        frames: how many, at 25 a second; the bundled voice is as long.
        words: more options of `lipsync run`.

    Raises:
        AssertionError: the run failed; with what it said.
    """
    count = len(list(folder.glob("talk*.mp4")))
    sound = write_voice(folder / f"voice{count}.wav", frames)
    out = folder / f"talk{count}.mp4"
    options = ("-o", out, "--still", "--json", "--silence", "generate", "--crf", 1)
    done = lipsync("run", samples.portrait(), sound, *options, *words)
    assert done.returncode == 0, done.stderr
    return Talk(path=out, report=json.loads(done.stdout), frames=frames_of(out))


def write_voice(path: Path, frames: int) -> Path:
    """A WAV file with the bundled voice, as long as that many frames at 25 a second; returns the path."""
    samples = voice(RATE, float(frames / FPS))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def frames_of(path: Path) -> Frames:
    """All frames of a short video."""
    with av.open(str(path)) as file:
        made = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    return np.stack(made).astype(np.uint8)


def changed(one: Frames, other: Frames) -> Changed:
    """Where two videos of the still portrait differ, or a video and itself a frame later.

    One frame stands for a whole video of it: the portrait keeps still outside of what is generated.

    Both must come from runs: encoding alone changes sharp edges of the portrait clearly.
    """
    apart = np.abs(one.astype(np.int16) - other).max(axis=(0, 3)) > CLEARLY
    x0, y0, x1, y1 = (int(edge) for edge in PORTRAIT_FACE)
    beside = np.ones(apart.shape, np.bool_)
    beside[y0 - 8 : y1 + 16, x0 - 8 : x1 + 8] = False
    return Changed(
        mouth=float(apart[(y0 + y1) // 2 + 20 : y1 - 10, x0 + 30 : x1 - 30].mean()),
        forehead=float(apart[y0 : y0 + 30, x0:x1].mean()),
        outside=float(apart[beside].mean()),
    )
