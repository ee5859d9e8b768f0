"""Shared memory between two processes: the parent owns every block, the worker only looks into it."""

from __future__ import annotations

import shutil
import sys
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

from lipsync_core.errors import PluginFault

_MOUNT = Path("/dev/shm")
"""Where Linux keeps shared memory. Writing past its end kills the writer, so free space is checked first."""


class OwnBlock:
    """A block that grows: made by the parent, removed by it (or, if it is killed, by Python's tracker)."""

    def __init__(self) -> None:
        self._memory: SharedMemory | None = None

    def of(self, size: int) -> SharedMemory:
        """The block with room for `size` bytes; what was in a smaller one is lost.

        Raises:
            PluginFault: this machine gives no such room.
        """
        if self._memory is None or self._memory.size < size:
            self.close()
            free = shutil.disk_usage(_MOUNT).free if _MOUNT.is_dir() else size
            if free < size:
                raise PluginFault(
                    f"Shared memory is too small: {size / 2**20:.0f} MiB are needed and {_MOUNT} has "
                    f"{free / 2**20:.0f} left.",
                    "Give it more (a container: --shm-size=1g), or omit --isolate.",
                )
            self._memory = SharedMemory(create=True, size=size)
        return self._memory

    def close(self) -> None:
        """Remove the block."""
        if self._memory is not None:
            memory, self._memory = self._memory, None
            memory.close()
            memory.unlink()


class SeenBlock:
    """Another process's block, looked into by name."""

    def __init__(self) -> None:
        self._memory: SharedMemory | None = None

    def named(self, name: str) -> SharedMemory:
        """The block called `name`; the one before is let go."""
        if self._memory is None or self._memory.name != name:
            self.close()
            self._memory = _attach(name)
        return self._memory

    def close(self) -> None:
        """Let go of the block; it stays with its owner."""
        if self._memory is not None:
            memory, self._memory = self._memory, None
            memory.close()


def _attach(name: str) -> SharedMemory:
    """Look into a block without becoming answerable for it.

    Python before 3.13 has every process that looks into a block remove it at its end.
    """
    if sys.version_info >= (3, 13):
        return SharedMemory(name, track=False)
    memory = SharedMemory(name)
    if sys.platform != "win32":
        resource_tracker.unregister(f"/{memory.name}", "shared_memory")
    return memory
