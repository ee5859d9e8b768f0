"""The way through a phase: steps, epochs, checkpoints; stops on request and resumes from there."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lipsync_core.errors import Cancelled, GenerationFailed
from lipsync_synctalk2d.training.state import PHASES, Mark

if TYPE_CHECKING:
    from lipsync_core.running.progress import Progress
    from lipsync_synctalk2d.training.phases import Phase
    from lipsync_synctalk2d.training.state import State, TrainingFolder

Told = Callable[["Phase", int, dict[str, float]], None]
"""Called after each epoch: the phase, the epoch's number from 0, losses and held-out figures."""


class Stop:
    """Whether somebody asked for a stop: Ctrl-C, or SIGTERM."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, number: int, frame: object) -> None:
        """As a signal's handler; a second Ctrl-C is not waited for."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def stopping() -> Iterator[Stop]:
    """While it lasts, Ctrl-C and SIGTERM ask for a stop instead of ending the program at once."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_phase(
    phase: Phase,
    start: Mark | None,
    state: State,
    folder: TrainingFolder,
    save_seconds: float,
    stop: Stop,
    told: Told,
    progress: Progress,
) -> None:
    """Teach until the last epoch.

    Args:
        phase: what is taught; it has been restored to `start`.
        start: the checkpoint to resume from; None: the beginning.
        state: of the training; it is brought up to date.
        folder: where checkpoints go.
        save_seconds: the longest time between two checkpoints.
        stop: looked at after each step.
        told: who listens to epochs.
        progress: who listens to steps.

    Raises:
        Cancelled: a stop was asked for; everything is kept.
        GenerationFailed: a loss is no number.
    """
    epoch, step, sums = (start.epoch, start.step, dict(start.sums)) if start else (0, 0, {})
    progress.stage(f"teaching {phase.name}", phase.epochs * phase.steps)
    saved = time.monotonic()
    while epoch < phase.epochs:
        while step < phase.steps:
            for name, value in phase.step(epoch, step).items():
                sums[name] = sums.get(name, 0.0) + value
            step += 1
            if sums["total"] != sums["total"]:
                raise GenerationFailed(
                    f"The training of {phase.name} went astray in epoch {epoch + 1}: its loss is no number.",
                    "Go on with --precision fp32; the last checkpoint is from before it.",
                )
            progress.advance(epoch * phase.steps + step)
            if stop.asked or time.monotonic() - saved > save_seconds:
                _save(phase, epoch, step, sums, state, folder)
                saved = time.monotonic()
            if stop.asked:
                raise Cancelled(
                    f"The training was stopped in epoch {epoch + 1} of {phase.name}; nothing is lost.",
                    "Rerun the same command to resume.",
                )
        figures = {name: total / phase.steps for name, total in sums.items()} | phase.judge()
        state.history[phase.name].append(figures)
        epoch, step, sums = epoch + 1, 0, {}
        mark = _save(phase, epoch, step, sums, state, folder)
        saved = time.monotonic()
        if "mouth_error" in figures and _better(figures["mouth_error"], state.best_error):
            state.best, state.best_error = mark, figures["mouth_error"]
            folder.write(state)
        told(phase, epoch - 1, figures)


def _better(error: float, best: float | None) -> bool:
    return best is None or error < best


def _save(
    phase: Phase,
    epoch: int,
    step: int,
    sums: dict[str, float],
    state: State,
    folder: TrainingFolder,
) -> Mark:
    mark = Mark(
        file=f"{phase.name}-{epoch:04d}-{step:05d}.pth",
        phase=phase.name,
        epoch=epoch,
        step=step,
        sums=dict(sums),
        lines={name: len(state.history[name]) for name in PHASES},
    )
    folder.save(state, mark, phase.numbers())
    return mark
