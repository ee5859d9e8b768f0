"""The contract of lipsync-core, kept with weights in the published layouts."""

from __future__ import annotations

from pathlib import Path

import pytest
from lipsync_musetalk.spec import WHISPER, WHISPER_LATENTSYNC

from lipsync_core.contracts import Ready
from lipsync_core.probing import probe
from lipsync_core.testing import contract_tests


@pytest.fixture(autouse=True)
def with_weights(home, whisper_files: dict[str, Path]) -> None:
    home("whisper", {"pytorch_model.bin": whisper_files["pytorch_model.bin"]})
    home("whisper-latentsync", {"tiny.pt": whisper_files["tiny.pt"]})


test_contract = contract_tests("lipsync-musetalk")


@pytest.mark.parametrize("spec", [WHISPER, WHISPER_LATENTSYNC], ids=lambda s: s.name)
def test_what_works_was_not_skipped(spec):
    assert isinstance(probe(spec), Ready)
