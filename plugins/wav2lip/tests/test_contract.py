"""The contract of lipsync-core, kept with a checkpoint in the published layout."""

from __future__ import annotations

from pathlib import Path

import pytest
from lipsync_wav2lip.spec import EXPERT, PASTE, WAV2LIP

from lipsync_core.contracts import Ready
from lipsync_core.registry import Registry
from lipsync_core.registry.probing import probe
from lipsync_core.testing import check_spec, contract_tests


@pytest.fixture(autouse=True)
def with_weights(home, checkpoint: Path, expert_checkpoint: Path) -> None:
    home(checkpoint, expert_checkpoint)


test_contract = contract_tests("lipsync-wav2lip")


def test_the_contract_is_kept_with_onnx_runtime_as_well(home, model: Path):
    folder = home(**{"wav2lip_gan.onnx": model})
    (folder / "weights" / "wav2lip" / "wav2lip_gan.pth").unlink()
    told = probe(WAV2LIP)
    assert isinstance(told, Ready)
    assert "ONNX Runtime" in told.detail
    results = check_spec(Registry.load(), WAV2LIP)
    assert [r for r in results if r.outcome == "failed"] == []
    assert sum(r.outcome == "skipped" for r in results) == 2


def test_nothing_was_skipped_but_what_it_does_not_declare():
    assert isinstance(probe(WAV2LIP), Ready)
    assert isinstance(probe(EXPERT), Ready)
    results = check_spec(Registry.load(), PASTE)
    assert {r.case: r.detail for r in results if r.outcome != "passed"} == {}
