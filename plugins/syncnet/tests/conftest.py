"""A checkpoint in the published layout with recipe numbers, golden comparison, and homes of their own.

The recipe's numbers are functions of name and shape; the golden file in `data` holds what the original
implementation gave with the same numbers (`meta` inside says what ran). No trained weights are involved.
Whatever needs torch skips by itself where there is none.
"""

from __future__ import annotations

import json
import math
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    import torch

DATA = Path(__file__).parent / "data"
GOLDEN = "syncnet_v2.npz"


class Recipe:
    """Numbers of the golden runs, by name."""

    seed = 1

    def random(self, text: str) -> np.random.Generator:
        return np.random.Generator(
            np.random.PCG64((zlib.crc32(text.encode()) ^ self.seed) & 0xFFFFFFFF)
        )

    def meta(self, file: str) -> dict[str, Any]:
        with np.load(DATA / file, allow_pickle=False) as stored:
            told: dict[str, Any] = json.loads(str(stored["meta"]))
        return told

    def fill(self, module: torch.nn.Module) -> dict[str, torch.Tensor]:
        """A state dict for `module` with the numbers of the golden run."""
        import torch

        meta = self.meta(GOLDEN)
        return {
            key: torch.from_numpy(self._value(key, tuple(t.shape), meta)).to(t.dtype)
            for key, t in module.state_dict().items()
        }

    def _value(self, key: str, shape: tuple[int, ...], meta: dict[str, Any]) -> np.ndarray:
        if key.endswith("num_batches_tracked"):
            return np.zeros(shape, np.float32)
        random, leaf = self.random(meta["prefix"] + key), key.rpartition(".")[2]
        if leaf == "running_var":
            return np.asarray(0.5 + random.random(shape, dtype=np.float32), np.float32)
        z = random.standard_normal(shape, dtype=np.float32)
        if leaf == "running_mean":
            return np.float32(0.1) * z
        if len(shape) > 1:
            return np.float32(meta["gain"] / math.sqrt(math.prod(shape[1:]))) * z
        return np.float32(1) + np.float32(0.1) * z if leaf == "weight" else np.float32(0.05) * z

    def normal(self, name: str, shape: tuple[int, ...], scale: float = 1.0) -> np.ndarray:
        drawn = self.random("input:" + name).standard_normal(shape, dtype=np.float32)
        return np.float32(scale) * drawn

    def uniform(self, name: str, shape: tuple[int, ...], high: float) -> np.ndarray:
        return np.float32(high) * self.random("input:" + name).random(shape, dtype=np.float32)

    def wave(self, name: str, samples: int) -> np.ndarray:
        """int16."""
        random = self.random("wave:" + name)
        t, x = np.arange(samples) / 16_000, np.zeros(samples)
        for _ in range(6):
            f, phase = random.uniform(90.0, 3500.0), random.uniform(0.0, 2 * math.pi)
            loud, slow = random.uniform(0.03, 0.12), random.uniform(0.5, 4.0)
            envelope = 0.55 + 0.45 * np.sin(2 * math.pi * slow * t)
            x += loud * np.sin(2 * math.pi * f * t + phase) * envelope
        x += 0.01 * random.standard_normal(samples)
        return np.clip(np.round(x * 32767.0), -32768, 32767).astype(np.int16)

    def stored(self, name: str) -> np.ndarray:
        """A small array of the golden file, as it is."""
        with np.load(DATA / GOLDEN, allow_pickle=False) as stored:
            assert int(stored[name + "__stride"]) == 1
            return stored[name + "__samples"].reshape(stored[name + "__shape"])


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return Recipe()


@pytest.fixture(scope="session")
def network(recipe: Recipe) -> torch.nn.Module:
    """With the numbers of the golden run."""
    pytest.importorskip("torch")
    from lipsync_syncnet.network import SyncNetwork

    made = SyncNetwork().eval().requires_grad_(False)
    made.load_state_dict(recipe.fill(made), strict=True)
    return made


@pytest.fixture(scope="session")
def checkpoint(network: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`syncnet_v2.model` as published: a plain state dict, pickled as torch did before 1.6."""
    import torch

    path = tmp_path_factory.mktemp("published") / "syncnet_v2.model"
    torch.save(network.state_dict(), path, _use_new_zipfile_serialization=False)
    return path


Home = Callable[..., Path]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Makes this test's LIPSYNC_HOME, with a weight file if one is given: `home(checkpoint)`."""
    folder = tmp_path / "home"
    monkeypatch.setenv("LIPSYNC_HOME", str(folder))
    monkeypatch.setenv("HF_HOME", str(folder / "hub"))
    monkeypatch.delenv("LIPSYNC_CACHE", raising=False)

    def make(file: Path | None = None) -> Path:
        weights = folder / "weights" / "syncnet"
        weights.mkdir(parents=True, exist_ok=True)
        if file is not None:
            shutil.copy(file, weights / "syncnet_v2.model")
        return folder

    return make
