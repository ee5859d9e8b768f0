"""Torch's ways to say that memory ran out, as the engine's."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from lipsync_core.errors import OutOfMemory

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def memory_errors() -> Iterator[None]:
    """Raise `OutOfMemory` where torch found no memory."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfMemory("SyncTalk_2D ran out of GPU memory.", "Choose --device cpu.") from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):  # the CPU allocator has no class of its own
            raise
        raise OutOfMemory("SyncTalk_2D ran out of memory.", "Close other programs.") from error
