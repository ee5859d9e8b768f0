"""A checkpoint in the published layout with recipe numbers, golden comparison, and homes of their own.

The recipe's numbers are functions of name and shape; the golden files in `data` hold what the original
implementation gave with the same numbers (`meta` inside each says what ran). No trained weights are involved.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lipsync_core.testing import own_folders as own_folders

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the generator does, before torch is there
try:
    import torch
except ImportError:  # what is left tests the probe, and that ONNX Runtime does alone
    collect_ignore = ["test_compat.py", "test_networks.py", "test_runtimes.py", "test_scorer.py"]

DATA = Path(__file__).parent / "data"


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

    def fill(self, module: torch.nn.Module, file: str) -> dict[str, torch.Tensor]:
        """A state dict for `module` with the numbers of a golden run."""
        meta = self.meta(file)
        filled = {}
        for key, tensor in module.state_dict().items():
            value = self._value(key, tuple(tensor.shape), meta["gain"], meta["prefix"])
            value *= np.float32(meta.get("boosts", {}).get(key, 1.0))
            filled[key] = torch.from_numpy(value).to(tensor.dtype)
        return filled

    def _value(self, key: str, shape: tuple[int, ...], gain: float, prefix: str) -> np.ndarray:
        if key.endswith("num_batches_tracked"):
            return np.zeros(shape, np.float32)
        random, leaf = self.random(prefix + key), key.rpartition(".")[2]
        if leaf == "running_var":
            return np.asarray(0.5 + random.random(shape, dtype=np.float32), np.float32)
        z = random.standard_normal(shape, dtype=np.float32)
        if leaf == "running_mean":
            return np.float32(0.1) * z
        if len(shape) > 1:
            return np.float32(gain / math.sqrt(math.prod(shape[1:]))) * z
        return np.float32(1) + np.float32(0.1) * z if leaf == "weight" else np.float32(0.05) * z

    def normal(self, name: str, shape: tuple[int, ...], scale: float) -> np.ndarray:
        drawn = self.random("input:" + name).standard_normal(shape, dtype=np.float32)
        return np.float32(scale) * drawn

    def uniform(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        return self.random("input:" + name).random(shape, dtype=np.float32)

    def image(self, name: str, height: int, width: int) -> np.ndarray:
        random = self.random("image:" + name)
        base = random.integers(0, 256, (-(-height // 16), -(-width // 16), 3), dtype=np.int64)
        base = base.repeat(16, axis=0).repeat(16, axis=1)[:height, :width]
        noise = random.integers(0, 256, (height, width, 3), dtype=np.int64)
        return ((base * 15 + noise) // 16).astype(np.uint8)

    def wave(self, name: str, samples: int) -> np.ndarray:
        random = self.random("wave:" + name)
        t, x = np.arange(samples) / 16_000, np.zeros(samples)
        for _ in range(6):
            f, phase = random.uniform(90.0, 3500.0), random.uniform(0.0, 2 * math.pi)
            loud, slow = random.uniform(0.03, 0.12), random.uniform(0.5, 4.0)
            envelope = 0.55 + 0.45 * np.sin(2 * math.pi * slow * t)
            x += loud * np.sin(2 * math.pi * f * t + phase) * envelope
        x += 0.01 * random.standard_normal(samples)
        return (np.clip(np.round(x * 32767.0), -32768, 32767) / 32768).astype(np.float32)

    def apart(self, file: str, name: str, got: np.ndarray) -> np.ndarray:
        """Differences from the stored samples of an array; the shapes must agree."""
        with np.load(DATA / file, allow_pickle=False) as stored:
            assert tuple(stored[name + "__shape"]) == got.shape
            picked = np.ascontiguousarray(got).reshape(-1)[:: int(stored[name + "__stride"])]
            return np.abs(picked.astype(np.float64) - stored[name + "__samples"])


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return Recipe()


@pytest.fixture(scope="session")
def checkpoint(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`wav2lip_gan.pth` as published: nested, every name with `module.`, an optimizer beside it."""
    pytest.importorskip("torch")
    from lipsync_wav2lip.network import FaceNetwork

    network = FaceNetwork()
    path = tmp_path_factory.mktemp("published") / "wav2lip_gan.pth"
    tensors = recipe.fill(network, "wav2lip_generator.npz")
    torch.save(_published(tensors), path)
    return path


@pytest.fixture(scope="session")
def expert_checkpoint(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`lipsync_expert.pth` as published."""
    from lipsync_wav2lip.expert_network import ExpertNetwork

    path = tmp_path_factory.mktemp("published") / "lipsync_expert.pth"
    torch.save(_published(recipe.fill(ExpertNetwork(), "wav2lip_syncnet_color.npz")), path)
    return path


def _published(tensors: dict[str, torch.Tensor]) -> dict[str, object]:
    return {
        "state_dict": {f"module.{name}": tensor for name, tensor in tensors.items()},
        "optimizer": {"state": {0: {"step": 7, "exp_avg": torch.zeros(3)}}, "param_groups": []},
        "global_step": 7,
        "global_epoch": 1,
    }


@pytest.fixture(scope="session")
def model(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its export, made once for all tests that only want one."""
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package, reason="the exporter needs it: extra `export`")
    from lipsync_wav2lip.export import export_to

    path = tmp_path_factory.mktemp("exported") / "wav2lip_gan-0000000000000000.onnx"
    export_to(path, checkpoint)
    return path


Home = Callable[..., Path]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Makes this test's LIPSYNC_HOME, with weight files: `home(checkpoint, **{"wav2lip.pth": path})`."""
    folder = tmp_path / "home"
    monkeypatch.setenv("LIPSYNC_HOME", str(folder))
    monkeypatch.delenv("LIPSYNC_CACHE", raising=False)

    def make(*files: Path, **named: Path) -> Path:
        weights = folder / "weights" / "wav2lip"
        weights.mkdir(parents=True, exist_ok=True)
        for name, path in {**{p.name: p for p in files}, **named}.items():
            try:
                (weights / name).hardlink_to(path)
            except OSError:  # another file system
                shutil.copy(path, weights / name)
        return folder

    return make
