"""Curves for TensorBoard, for those who want them there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lipsync_core.errors import PluginUnavailable

if TYPE_CHECKING:
    from pathlib import Path


class Journal:
    """Event files in a folder.

    Args:
        folder: where they go.

    Raises:
        PluginUnavailable: the package tensorboard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise PluginUnavailable(
                "The package 'tensorboard' is not installed.",
                'pip install "lipsync-synctalk2d[tensorboard]", or omit --tensorboard.',
            ) from error
        self._writer = SummaryWriter(str(folder))

    def add(self, phase: str, epoch: int, figures: dict[str, float]) -> None:
        """Figures after an epoch."""
        for name, value in figures.items():
            self._writer.add_scalar(f"{phase}/{name}", value, epoch + 1)
        self._writer.flush()

    def close(self) -> None:
        """No more."""
        self._writer.close()
