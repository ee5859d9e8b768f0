"""The MuseTalk generator. Its network is not in this version: opening it says so, and makes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lipsync_core.contracts import Generator
from lipsync_musetalk.availability import not_yet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext
    from lipsync_core.records import Chunk


class MuseTalk(Generator):
    """Declared, not run yet."""

    def open(self, context: OpenContext) -> None:
        """Say that it cannot run.

        Raises:
            PluginUnavailable: always, in this version.
        """
        raise not_yet()

    def generate(self, chunk: Chunk) -> NDArray[np.uint8]:
        """Never reached: `open` has raised.

        Raises:
            PluginUnavailable: always, in this version.
        """
        raise not_yet()
