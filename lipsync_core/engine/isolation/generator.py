"""A generator whose work is done by a process of its own."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from lipsync_core.contracts import Generator, OpenContext
from lipsync_core.engine.isolation.channel import Ended, ParentEnd
from lipsync_core.engine.isolation.faults import Fault
from lipsync_core.errors import PluginFault
from lipsync_core.records import Chunk, Crops, Generated, Prepared
from lipsync_core.specs import GeneratorSpec, PluginSpec

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from lipsync_core.engine.isolation.worker import main; main()"
)
"""What the worker runs: it finds its modules where the run finds them, and never runs the run's script."""
_PATIENCE = 10.0
"""Seconds that a worker has to close its generator before it is ended."""


class IsolatedGenerator(Generator):
    """Stands for a generator in a worker process; gives what the generator gives, error for error.

    What ends the process (a segmentation fault, the system that needs its memory, a device that no longer
    answers) becomes a `PluginFault` like any other, and the chain moves on.

    Args:
        spec: of the generator; its factory is imported in the worker alone.
    """

    def __init__(self, spec: PluginSpec) -> None:
        self._spec = cast(GeneratorSpec, spec)
        self._process: subprocess.Popen[bytes] | None = None
        self._end: ParentEnd | None = None
        self._said: IO[bytes] | None = None

    def open(self, context: OpenContext) -> None:
        """Start the process and open the generator in it."""
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._end = ParentEnd(self._process.stdin, self._process.stdout)  # type: ignore[arg-type]
        try:
            self._ask("open", self._spec, context)
        except BaseException:
            self.close()
            raise

    def prepare(self, crops: Crops) -> Prepared:
        """As the generator's own."""
        return cast(Prepared, self._ask("prepare", crops))

    def generate(self, chunk: Chunk) -> NDArray[np.uint8] | Generated:
        """As the generator's own."""
        return cast("NDArray[np.uint8] | Generated", self._ask("generate", chunk))

    def close(self) -> None:
        """Hang up, so that the worker closes its generator and ends; one that does not is killed."""
        process, self._process = self._process, None
        end, self._end = self._end, None
        said, self._said = self._said, None
        if end is not None:
            end.close()
        if process is not None:
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if said is not None:
            said.close()

    def _ask(self, verb: str, *given: object) -> object:
        if self._end is None:
            raise PluginFault(f"Generator '{self._spec.name}' has no process any more.")
        try:
            value = self._end.ask((verb, *given))
        except Ended:
            raise self._ended() from None
        if isinstance(value, Fault):
            raise value.error()
        return value

    def _ended(self) -> PluginFault:
        """Why the process is gone, in words."""
        assert self._process is not None
        try:
            code = self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            return PluginFault("its process no longer answers")
        last = f" (last words: {words})" if (words := self._last_words()) else ""
        if code >= 0:
            return PluginFault(f"its process ended with exit code {code}{last}")
        name = f"signal {-code}"
        with contextlib.suppress(ValueError):
            name = signal.Signals(-code).name
        if name == "SIGKILL":
            return PluginFault(
                f"its process was killed ({name}){last}",
                "Where nobody did that, the system did, because memory ran out: use a smaller "
                "--precision or another device.",
            )
        return PluginFault(f"its process crashed ({name}){last}")

    def _last_words(self) -> str:
        """The last line that the process wrote, if any."""
        assert self._said is not None
        self._said.seek(0, 2)
        self._said.seek(max(0, self._said.tell() - 4096))
        lines = self._said.read().decode("utf-8", "replace").split("\n")
        return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "")
