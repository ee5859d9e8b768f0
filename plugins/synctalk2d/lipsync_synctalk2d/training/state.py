"""A training on disk: one JSON that is replaced in one step, and the checkpoints that it names.

A checkpoint is written first, then the JSON that names it, then those that it no longer names are deleted: a
kill at any moment leaves a state to resume from. What is drawn at a step depends on seed, phase, epoch and
step alone, so no random state has to be kept.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from lipsync_core.errors import OutputError, UnsupportedInput, UsageError
from lipsync_core.machine import places
from lipsync_core.weights.digests import sync

SCHEMA = 1
STATE = "state.json"
KEPT = 3
"""Newest checkpoints that are kept, beside the best one."""
PHASES = ("syncnet", "face")
SYNCNET = "syncnet.pth"
"""The finished SyncNet, which the second phase needs until its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where a checkpoint was made.

    Attributes:
        file: its name in the folder.
        phase: "syncnet" or "face".
        epoch: that it is in, from 0.
        step: of that epoch that comes next.
        sums: of this epoch's losses so far.
        lines: of each phase's history that were there.
    """

    file: str
    phase: str
    epoch: int
    step: int
    sums: dict[str, float]
    lines: dict[str, int]


@dataclass(slots=True, kw_only=True)
class State:
    """What the JSON holds.

    Attributes:
        recipe: what must stay the same.
        marks: checkpoints, oldest first.
        best: the best of the face's, or None.
        best_error: its held-out mouth error.
        history: phase -> one entry an epoch: losses and held-out figures.
        done: both phases are through.
    """

    recipe: dict[str, Any]
    marks: list[Mark] = field(default_factory=list)
    best: Mark | None = None
    best_error: float | None = None
    history: dict[str, list[dict[str, float]]] = field(
        default_factory=lambda: {phase: [] for phase in PHASES}
    )
    done: bool = False


class TrainingFolder:
    """The folder of one training, locked while it is open; a context manager.

    Args:
        generator: name of the generator.
        name: of the person.

    Raises:
        UsageError: it is at work already.
    """

    def __init__(self, generator: str, name: str) -> None:
        self.path = places.home() / "training" / generator / name
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self.path / ".lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise UsageError(
                f"A training of '{name}' is at work already.", "Wait for it, or stop it first."
            ) from None

    def __enter__(self) -> TrainingFolder:
        return self

    def __exit__(self, *raised: object) -> None:
        self._lock.release()
        if not (self.path / STATE).exists():  # nothing came of it
            shutil.rmtree(self.path, ignore_errors=True)

    def read(self) -> State | None:
        """The state, or None where nothing was begun.

        Raises:
            UnsupportedInput: it cannot be read.
        """
        path = self.path / STATE
        try:
            told = json.loads(path.read_text("utf-8"))
            if told.pop("schema") != SCHEMA:
                raise ValueError("it has another layout")
            marks = [Mark(**mark) for mark in told.pop("marks")]
            best = told.pop("best")
            return State(marks=marks, best=Mark(**best) if best else None, **told)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise UnsupportedInput(
                f"The state of this training cannot be read: {path}: {error}.",
                "Begin anew with --fresh.",
            ) from None

    def write(self, state: State) -> None:
        """Replace the state in one step.

        Raises:
            OutputError: the disk is full.
        """
        part = self.path / f".{STATE}"
        with self._writing():
            part.write_text(json.dumps({"schema": SCHEMA} | asdict(state), indent=1), "utf-8")
            sync(part)
            part.replace(self.path / STATE)

    def save(self, state: State, mark: Mark, numbers: dict[str, Any]) -> None:
        """Write a checkpoint, name it in the state, and delete those that are no longer wanted.

        Raises:
            OutputError: the disk is full.
        """
        self.store(mark.file, numbers)
        before = [m for m in state.marks if m.file != mark.file]
        state.marks = [*before[-(KEPT - 1) :], mark]
        self.write(state)
        self.tidy(state)

    def store(self, name: str, numbers: dict[str, Any]) -> None:
        """Write tensors to a file that appears when it is whole."""
        part = self.path / f".{name}"
        with self._writing():
            torch.save(numbers, part)
            sync(part)
            part.replace(self.path / name)

    def load(self, name: str) -> dict[str, Any]:
        """Tensors and numbers of a checkpoint, on the CPU.

        Raises:
            UnsupportedInput: it is missing or damaged.
        """
        try:
            told: dict[str, Any] = torch.load(
                self.path / name, map_location="cpu", weights_only=True
            )
        except Exception as error:  # a damaged file fails in whatever way its bytes say
            raise UnsupportedInput(
                f"The checkpoint {self.path / name} cannot be read: {type(error).__name__}.",
                "Go on from another one with --from, or begin anew with --fresh.",
            ) from error
        return told

    def tidy(self, state: State) -> None:
        """Delete checkpoints that the state does not name."""
        named = {mark.file for mark in (*state.marks, *([state.best] if state.best else []))}
        for path in self.path.glob("*.pth"):
            if path.name not in named and path.name != SYNCNET:
                path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Begin anew: delete everything but the lock."""
        for path in self.path.iterdir():
            if path.name == ".lock":
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _writing(self) -> _Writing:
        return _Writing(self.path)


class _Writing:
    """A full disk becomes one clear sentence."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        if isinstance(error, OSError | RuntimeError) and "No space" in str(error):
            raise OutputError(
                f"The disk is full: {self._path} could not be written.",
                "Free some space; then rerun the same command to resume.",
            ) from error


def truncated(state: State, mark: Mark) -> State:
    """The state as it was at a checkpoint: later ones and later lines of the history are dropped."""
    history = {phase: lines[: mark.lines.get(phase, 0)] for phase, lines in state.history.items()}
    at = next((n for n, m in enumerate(state.marks) if m.file == mark.file), None)
    marks = state.marks[: at + 1] if at is not None else [mark]
    errors = [line["mouth_error"] for line in history["face"]]
    best = state.best if state.best and _before(state.best, mark) else None
    return State(
        recipe=state.recipe,
        marks=marks,
        best=best,
        best_error=min(errors) if best and errors else None,
        history=history,
    )


def _before(one: Mark, other: Mark) -> bool:
    order = [(PHASES.index(m.phase), m.epoch, m.step) for m in (one, other)]
    return order[0] <= order[1]
