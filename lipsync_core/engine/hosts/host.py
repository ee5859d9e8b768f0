"""One opened generator on a thread of its own: calls from any thread queue up and run one at a time.

Frames of several callers that are due at about the same time go through it in one call, where they are
independent of each other.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Condition
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from lipsync_core.contracts import Generator, OpenContext
from lipsync_core.engine.hosts.batching import alike, can_share, together
from lipsync_core.engine.isolation.generator import IsolatedGenerator
from lipsync_core.errors import PluginFault
from lipsync_core.records import Chunk, Crops, Generated, Prepared
from lipsync_core.registry import create
from lipsync_core.registry.opening import opened
from lipsync_core.specs import GeneratorSpec

Value = TypeVar("Value")


@dataclass(slots=True)
class _Asked:
    """A chunk that waits for its turn."""

    chunk: Chunk
    answer: Future[object] = field(default_factory=Future)


class Host(Generator):
    """Keeps a generator open and gives it one caller at a time, always on the same thread.

    The contract says that a plugin is used from one thread; many sessions and runs may still share it.

    Args:
        spec: the generator.
        isolated: it runs in a process of its own; the thread then only waits for that process.
        patience: seconds that a frame waits at the most for frames of other callers to go along with; 0: only
            those that are there already go along; None: every caller's frames go by themselves.

    Attributes:
        callers: how many share it; a single one never waits.
        calls: of `generate` so far.
        shared_calls: those of them that served several callers.
        frames: made so far.
    """

    def __init__(
        self, spec: GeneratorSpec, *, isolated: bool = False, patience: float | None = None
    ) -> None:
        self._spec = spec
        self._make: Callable[..., Generator] = (
            IsolatedGenerator if isolated else cast("Callable[..., Generator]", create)
        )
        self.callers = 1
        self.calls = self.shared_calls = self.frames = 0
        self._patience = patience or 0.0
        self._shares = patience is not None and can_share(spec)
        self._waiting: list[_Asked] = []
        self._arrived = Condition()
        self._resources = ExitStack()
        self._generator: Generator | None = None
        self._thread: ThreadPoolExecutor | None = None

    def open(self, context: OpenContext) -> None:
        """Open the generator on the host's thread.

        Raises:
            LipsyncError: as `registry.opening.opened`.
        """
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"lipsync-{self._spec.name}")
        try:
            self._generator = self._call(
                lambda: cast(Generator, opened(self._spec, context, self._resources, self._make))
            )
        except BaseException:
            self.close()
            raise

    def prepare(self, crops: Crops) -> Prepared:
        """As the generator's own."""
        generator = self._opened()
        return self._call(lambda: generator.prepare(crops))

    def generate(self, chunk: Chunk) -> NDArray[np.uint8] | Generated:
        """As the generator's own; frames of other callers may go along."""
        self._opened()
        assert self._thread is not None
        asked = _Asked(chunk)
        with self._arrived:
            self._waiting.append(asked)
            self._arrived.notify_all()
        self._thread.submit(self._serve)
        return cast("NDArray[np.uint8] | Generated", asked.answer.result())

    def close(self) -> None:
        """Finish the call that is running, close the generator, end the thread."""
        thread, self._thread = self._thread, None
        self._generator = None
        if thread is not None:
            try:
                thread.submit(self._resources.close).result()
            finally:
                thread.shutdown()

    def _serve(self) -> None:
        """Answer the first chunk that waits, and others with it; there is a call of this for each."""
        batch = self._batch()
        if not batch:  # they went along with an earlier one
            return
        self.calls += 1
        self.shared_calls += len(batch) > 1
        self.frames += sum(len(asked.chunk) for asked in batch)
        try:
            answers = together(self._opened(), [asked.chunk for asked in batch])
        except BaseException as error:  # noqa: BLE001 - raised where the chunks came from
            answers = [error] * len(batch)
        for asked, answer in zip(batch, answers, strict=True):
            if isinstance(answer, BaseException):
                asked.answer.set_exception(answer)
            else:
                asked.answer.set_result(answer)

    def _batch(self) -> list[_Asked]:
        """Take the first chunk that waits, and those that can be made with it."""
        most = self._spec.chunk.frames if self._shares else 0
        with self._arrived:
            if not self._waiting:
                return []
            if self._shares and self._patience and self.callers > 1:
                self._arrived.wait_for(self._complete, self._patience)
            batch = [self._waiting.pop(0)]
            size = len(batch[0].chunk)
            for asked in list(self._waiting):
                if size + len(asked.chunk) <= most and alike(batch[0].chunk, asked.chunk):
                    self._waiting.remove(asked)
                    batch.append(asked)
                    size += len(asked.chunk)
            return batch

    def _complete(self) -> bool:
        """Nothing more is to be waited for: every caller has asked, or a call is full."""
        frames = sum(len(asked.chunk) for asked in self._waiting)
        return len(self._waiting) >= self.callers or frames >= self._spec.chunk.frames

    def _opened(self) -> Generator:
        if self._generator is None:
            raise PluginFault(f"The generator '{self._spec.name}' is not open.")
        return self._generator

    def _call(self, work: Callable[[], Value]) -> Value:
        assert self._thread is not None
        return self._thread.submit(work).result()
