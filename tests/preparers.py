"""Generators that prepare every frame, well or badly, and one that notes what it is asked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

import fakes
import numpy as np

from lipsync_core.engine.prepare import PrepareRequest, prepare
from lipsync_core.records import Chunk, Crops
from lipsync_core.requests import RunRequest
from lipsync_core.specs import ChunkSpec, Option, PrepareSpec


class Shades(fakes.Painter):
    """Prepares two arrays a frame, and paints with them; notes what it was asked to prepare."""

    asked: ClassVar[list[int]] = []

    def prepare(self, crops: Crops) -> dict[str, np.ndarray]:
        self.asked.append(len(crops))
        means = crops.images.astype(np.float32).mean((1, 2))
        return {"shade": means.astype(np.uint8), "corner": crops.landmarks[:, 0]}

    def generate(self, chunk: Chunk) -> np.ndarray:
        made = super().generate(chunk)
        made[:, -20:] = chunk.prepared["shade"][:, None, None]
        made[:, :, :4, 0] += chunk.prepared["corner"].astype(np.uint8)[:, :1, None]
        return made


class ShadesForTwo(Shades):
    """Has memory for two."""

    def prepare(self, crops: Crops) -> dict[str, np.ndarray]:
        if len(crops) > 2:
            raise MemoryError("two fit")
        return super().prepare(crops)


class Stumbles(Shades):
    """Fails at its third call, as if the machine were switched off."""

    def prepare(self, crops: Crops) -> dict[str, np.ndarray]:
        if len(self.asked) == 2:
            os._exit(9)
        return super().prepare(crops)


class Miscounts(Shades):
    def prepare(self, crops: Crops) -> dict[str, np.ndarray]:
        return {"shade": np.zeros((1, 3))}


class KeepsObjects(Shades):
    def prepare(self, crops: Crops) -> dict[str, np.ndarray]:
        return {"shade": np.array([{"a": 1}] * len(crops), dtype=object)}


class Tells(fakes.Painter):
    """Notes the frames that it was asked for."""

    asked: ClassVar[list[int]] = []

    def generate(self, chunk: Chunk) -> np.ndarray:
        self.asked.extend(chunk.crops.frames.tolist())
        return super().generate(chunk)


def shades(kind: type[Shades] = Shades, **changes):
    """A generator that prepares every frame."""
    values = {
        "factory": f"preparers:{kind.__name__}",
        "prepare": PrepareSpec(scope="frame"),
        "chunk": ChunkSpec(frames=6),
        "options": (Option(key="depth", default=1, help="for tests"),),
    }
    return fakes.spec("shades", kind, **(values | changes))


def ready(target: Path, spec, **choices) -> dict[str, Any]:
    """Prepare a target for one generator."""
    run = RunRequest.of(target, target, target, generators=(spec.name,), strict=True, **choices)
    request = PrepareRequest(target=run.target, plugins=run.plugins, silence=run.silence)
    return prepare(request, registry=fakes.registry(spec))
