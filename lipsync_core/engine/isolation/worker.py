"""The worker process: opens one generator and does what the run asks, until the run hangs up."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import ExitStack
from typing import Any, cast

from lipsync_core.contracts import Generator, OpenContext
from lipsync_core.engine.isolation.channel import Ended, WorkerEnd
from lipsync_core.engine.isolation.faults import Fault
from lipsync_core.records import Chunk, Crops
from lipsync_core.registry.opening import opened
from lipsync_core.running.threads import one_thread
from lipsync_core.specs import GeneratorSpec

_LOOK_SECONDS = 1.0
"""How often a worker looks whether its run still lives; a killed run hangs up on nobody at work."""


def main() -> None:
    """Serve on standard input and output; whatever a library prints goes to standard error."""
    parent = os.getppid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the run's business; it then hangs up
    inward, out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    with one_thread(), ExitStack() as resources:
        try:
            _serve(WorkerEnd(inward, out), resources)
        except Ended:
            return


def _serve(run: WorkerEnd, resources: ExitStack) -> None:
    worker = _Worker(resources)
    while True:
        verb, *given = cast(tuple[Any, ...], run.next())
        try:
            answer: object = getattr(worker, verb)(*given)
        except Exception as error:  # noqa: BLE001 - told to the run, which decides
            answer = Fault.of(error)
        run.answer(answer)


class _Worker:
    """The verbs that a run may ask for."""

    def __init__(self, resources: ExitStack) -> None:
        self._resources = resources
        self._generator: Generator | None = None

    def open(self, spec: GeneratorSpec, context: OpenContext) -> None:
        """Open the generator."""
        self._generator = cast(Generator, opened(spec, context, self._resources))

    def prepare(self, crops: Crops) -> object:
        """As `Generator.prepare`."""
        assert self._generator is not None
        return dict(self._generator.prepare(crops))

    def generate(self, chunk: Chunk) -> object:
        """As `Generator.generate`; what comes is checked by the run."""
        assert self._generator is not None
        return self._generator.generate(chunk)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)
