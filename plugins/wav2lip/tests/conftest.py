"""Checkpoints in the published layout with recipe numbers, golden files, and homes of their own.

The golden files in `data` hold what the original implementation gave with the recipe's numbers (`meta` inside
each says what ran). No trained weights are involved.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lipsync_core.testing import OwnHome, Parity, recipe
from lipsync_core.testing import own_folders as own_folders
from lipsync_core.testing import own_home as own_home

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the generator does, before torch is there
try:
    import torch
except ImportError:  # what is left tests the probe, and that ONNX Runtime does alone
    collect_ignore = ["test_compat.py", "test_networks.py", "test_runtimes.py", "test_scorer.py"]


@pytest.fixture(scope="session")
def parity() -> Parity:
    """The golden files in `data`."""
    return Parity(Path(__file__).parent / "data")


Fill = Callable[["torch.nn.Module", str], "dict[str, torch.Tensor]"]


@pytest.fixture(scope="session")
def fill(parity: Parity) -> Fill:
    """Makes a state dict with the numbers of a golden run: `fill(network, "wav2lip_generator")`."""

    def make(network: torch.nn.Module, name: str) -> dict[str, torch.Tensor]:
        filled = recipe.weights(network.state_dict(), parity.meta(name))
        return {key: torch.from_numpy(value) for key, value in filled.items()}

    return make


@pytest.fixture(scope="session")
def checkpoint(fill: Fill, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`wav2lip_gan.pth` as published: nested, every name with `module.`, an optimizer beside it."""
    pytest.importorskip("torch")
    from lipsync_wav2lip.network import FaceNetwork

    network = FaceNetwork()
    path = tmp_path_factory.mktemp("published") / "wav2lip_gan.pth"
    tensors = fill(network, "wav2lip_generator")
    torch.save(_published(tensors), path)
    return path


@pytest.fixture(scope="session")
def expert_checkpoint(fill: Fill, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`lipsync_expert.pth` as published."""
    from lipsync_wav2lip.expert_network import ExpertNetwork

    path = tmp_path_factory.mktemp("published") / "lipsync_expert.pth"
    torch.save(_published(fill(ExpertNetwork(), "wav2lip_syncnet_color")), path)
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
def home(own_home: OwnHome) -> Home:
    """Makes this test's LIPSYNC_HOME, with weight files: `home(checkpoint, **{"wav2lip.pth": path})`."""

    def make(*files: Path, **named: Path) -> Path:
        named |= {path.name: path for path in files}
        return own_home({f"wav2lip/{name}": path for name, path in named.items()})

    return make
