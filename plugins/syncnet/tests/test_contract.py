"""The contract of lipsync-core, kept with a checkpoint in the published layout."""

from __future__ import annotations

from pathlib import Path

import pytest
from lipsync_syncnet.spec import SYNCNET

from lipsync_core.contracts import Ready
from lipsync_core.registry.probing import probe
from lipsync_core.testing import contract_tests


@pytest.fixture(autouse=True)
def with_weights(home, checkpoint: Path) -> None:
    home(checkpoint)


test_contract = contract_tests("lipsync-syncnet")


def test_nothing_was_skipped_for_want_of_something():
    assert isinstance(probe(SYNCNET), Ready)
