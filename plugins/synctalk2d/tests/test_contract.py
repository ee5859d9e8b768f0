"""The contract of lipsync-core, kept with weights in the published layouts."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from lipsync_synctalk2d.spec import ENCODER, SYNCTALK2D, SYNCTALK2D160

from lipsync_core.contracts import Ready
from lipsync_core.registry.probing import probe
from lipsync_core.testing import contract_tests


@pytest.fixture(autouse=True)
def with_weights(home, persons, ave: Path) -> None:
    torch.set_num_threads(1)
    home(
        {
            "synctalk2d/audio_visual_encoder.pth": ave,
            "synctalk2d/checkpoint/May/99.pth": persons[328],
            "synctalk2d160/persons/may.pth": persons[160],
        }
    )


test_contract = contract_tests("lipsync-synctalk2d")


@pytest.mark.parametrize("spec", [ENCODER, SYNCTALK2D, SYNCTALK2D160], ids=lambda s: s.name)
def test_nothing_was_skipped_for_want_of_weights(spec):
    assert isinstance(probe(spec), Ready)
