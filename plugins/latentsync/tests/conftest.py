"""Weight files in the published layouts with recipe numbers, golden files, and homes of their own.

The golden files in `data` hold what the original implementation gave with the recipe's numbers (`meta` inside
each says what ran). No trained weights are involved.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from lipsync_core.testing import Parity, recipe
from lipsync_core.testing import own_folders as own_folders

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the plugin does, before torch is there
RUNTIME = all(importlib.util.find_spec(name) for name in ("torch", "diffusers"))
if not RUNTIME:  # what is left tests specs and probes
    collect_ignore = [f"test_{name}.py" for name in ("alignment", "sampling", "unet")]


@pytest.fixture(scope="session")
def parity() -> Parity:
    """The golden files in `data`."""
    return Parity(Path(__file__).parent / "data")


def save_unet(path: Path, prefix: str = "small_unet:") -> Path:
    """`latentsync_unet.pt` as published, of a narrow network with recipe numbers."""
    import torch
    from lipsync_latentsync.unet import LatentSyncUNet, Shape

    with torch.device("meta"):
        network = LatentSyncUNet(Shape((32, 32, 64, 64)))
    filled = recipe.weights(network.state_dict(), {"prefix": prefix})
    tensors = {name: torch.from_numpy(value) for name, value in filled.items()}
    torch.save({"global_step": 7, "state_dict": tensors}, path)
    return path


@pytest.fixture(scope="session")
def small_unet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See `save_unet`."""
    return save_unet(tmp_path_factory.mktemp("unet") / "latentsync_unet.pt")
