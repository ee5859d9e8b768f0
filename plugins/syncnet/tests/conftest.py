"""A checkpoint in the published layout with recipe numbers, golden files, and homes of their own.

The golden files in `data` hold what the original implementations gave, SyncNet with the recipe's numbers
(`meta` inside each says what ran). No trained weights are involved. Whatever needs torch skips by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lipsync_core.testing import OwnHome, Parity, recipe
from lipsync_core.testing import own_folders as own_folders
from lipsync_core.testing import own_home as own_home

if TYPE_CHECKING:
    import torch


@pytest.fixture(scope="session")
def parity() -> Parity:
    """The golden files in `data`."""
    return Parity(Path(__file__).parent / "data")


@pytest.fixture(scope="session")
def network(parity: Parity) -> torch.nn.Module:
    """With the numbers of the golden run."""
    torch = pytest.importorskip("torch")
    from lipsync_syncnet.network import SyncNetwork

    made = SyncNetwork().eval().requires_grad_(False)
    filled = recipe.weights(made.state_dict(), parity.meta("syncnet_v2"))
    made.load_state_dict({key: torch.from_numpy(value) for key, value in filled.items()})
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
def home(own_home: OwnHome) -> Home:
    """Makes this test's LIPSYNC_HOME, with a weight file if one is given: `home(checkpoint)`."""
    return lambda file=None: own_home({"syncnet/syncnet_v2.model": file} if file else {})
