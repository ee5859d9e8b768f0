"""One opened generator on a thread of its own: calls from any thread queue up and run one at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from lipsync_core.contracts import Generator, OpenContext
from lipsync_core.engine.isolation.generator import IsolatedGenerator
from lipsync_core.errors import PluginFault
from lipsync_core.records import Chunk, Crops, Generated, Prepared
from lipsync_core.registry import create
from lipsync_core.registry.opening import opened
from lipsync_core.specs import GeneratorSpec

Value = TypeVar("Value")


class Host(Generator):
    """Keeps a generator open and gives it one caller at a time, always on the same thread.

    The contract says that a plugin is used from one thread; many sessions and runs may still share it.

    Args:
        spec: the generator.
        isolated: it runs in a process of its own; the thread then only waits for that process.
    """

    def __init__(self, spec: GeneratorSpec, *, isolated: bool = False) -> None:
        self._spec = spec
        self._make: Callable[..., Generator] = (
            IsolatedGenerator if isolated else cast("Callable[..., Generator]", create)
        )
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
        """As the generator's own."""
        generator = self._opened()
        return self._call(lambda: generator.generate(chunk))

    def close(self) -> None:
        """Finish the call that is running, close the generator, end the thread."""
        thread, self._thread = self._thread, None
        self._generator = None
        if thread is not None:
            try:
                thread.submit(self._resources.close).result()
            finally:
                thread.shutdown()

    def _opened(self) -> Generator:
        if self._generator is None:
            raise PluginFault(f"The generator '{self._spec.name}' is not open.")
        return self._generator

    def _call(self, work: Callable[[], Value]) -> Value:
        assert self._thread is not None
        return self._thread.submit(work).result()
