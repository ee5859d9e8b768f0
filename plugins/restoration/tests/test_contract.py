"""The contract of lipsync-core, kept by all four enhancers with a file of each in place."""

from __future__ import annotations

from pathlib import Path

import pytest
from lipsync_restoration.spec import ALL

from lipsync_core.contracts import Ready
from lipsync_core.registry import Registry
from lipsync_core.registry.probing import probe
from lipsync_core.testing import check_spec, contract_tests


@pytest.fixture(autouse=True)
def with_weights(home: Path, write_model) -> None:
    weights = home / "weights"
    write_model(weights / "gfpgan" / "gfpgan_1.4.onnx", add=0.1)
    write_model(weights / "restoreformer" / "restoreformer_plus_plus.onnx", add=0.1)
    write_model(weights / "gpen" / "gpen_bfr_256.onnx", size=256, add=0.1)
    write_model(weights / "codeformer" / "codeformer.onnx", weight=("weight", 11, [1]))


test_contract = contract_tests("lipsync-restoration", registry=Registry(Registry.load().rows))


def test_nothing_was_skipped():
    for spec in ALL:
        assert isinstance(probe(spec), Ready)
        results = check_spec(Registry.load(), spec)
        assert {r.case: r.detail for r in results if r.outcome != "passed"} == {}
