"""The audio encoder of LatentSync. Its network is not in this version: opening it says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lipsync_core.contracts import AudioEncoder
from lipsync_latentsync.availability import not_yet

if TYPE_CHECKING:
    from fractions import Fraction

    from lipsync_core.contracts import FeatureStream, OpenContext


class WhisperWindows(AudioEncoder):
    """Declared, not run yet."""

    def open(self, context: OpenContext) -> None:
        """Say that it cannot run.

        Raises:
            PluginUnavailable: always, in this version.
        """
        raise not_yet()

    def stream(self, sample_rate: int, fps: Fraction) -> FeatureStream:
        """Never reached: `open` has raised.

        Raises:
            PluginUnavailable: always, in this version.
        """
        raise not_yet()
