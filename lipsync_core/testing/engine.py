"""What the engine does with a plugin, for tests of plugins: the chain, weight imports, killed workers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lipsync_core.engine.chain.resolve import resolve
from lipsync_core.engine.isolation.generator import IsolatedGenerator
from lipsync_core.registry import Registry, load_rows
from lipsync_core.requests import PluginSettings
from lipsync_core.targets.canvas import window_around
from lipsync_core.weights.entries import entries
from lipsync_core.weights.recognition import recognise

if TYPE_CHECKING:
    import numpy as np
    import pytest
    from numpy.typing import NDArray

    from lipsync_core.records import Chunk, Generated

__all__ = ["fallback", "import_labels", "kill_isolated_generator", "window_around"]


def fallback(generator: str) -> tuple[list[str], list[tuple[str, str, str]]]:
    """How the chain that begins with `generator` is resolved on this computer.

    Returns:
        Names of the generators that a run would use, and (name, phase, reason) of those it passes over.
    """
    found = resolve(Registry(load_rows({})), PluginSettings(generators=(generator,)))
    passed = [(a.generator, str(a.phase), a.reason) for a in found.attempts]
    return [candidate.spec.name for candidate in found.candidates], passed


def import_labels(path: Path) -> list[str]:
    """What `lipsync weights import` takes a file for: "plugin/path of the weight file", for each match.

    Raises:
        LipsyncError: nothing that is known, or damaged.
    """
    return [entry.label for entry in recognise(path, entries(Registry.load())).entries]


def kill_isolated_generator(patch: pytest.MonkeyPatch, at_call: int) -> None:
    """Have the worker process of an isolated generator killed just before one of its `generate` calls.

    Args:
        patch: undoes it after the test.
        at_call: which call, from 1.
    """
    generate, calls = IsolatedGenerator.generate, []

    def killed(self: IsolatedGenerator, chunk: Chunk) -> NDArray[np.uint8] | Generated:
        calls.append(1)
        if len(calls) == at_call and self._process is not None:
            self._process.kill()
        return generate(self, chunk)

    patch.setattr(IsolatedGenerator, "generate", killed)
