"""The contract of lipsync-core, kept with narrow networks of the published architecture.

With two steps, without guidance, and in chunks of 5 frames; the defaults take fifty times as long. The
network of 512x512 is the same with more pixels: `test_run.py` makes videos with it, and in whole chunks.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from lipsync_latentsync.hybrid_spec import HYBRID, WHISPER_BOTH
from lipsync_latentsync.spec import LATENTSYNC15, QUADRILATERAL
from lipsync_latentsync.syncnet_spec import STABLE_SYNCNET

from lipsync_core.contracts import Ready
from lipsync_core.registry import Registry, load_rows
from lipsync_core.registry.probing import probe
from lipsync_core.specs import GeneratorSpec, PluginSpec
from lipsync_core.testing import contract_tests

QUICK = {"steps": 2, "guidance": 1.0}
QUICKER = ("latentsync", "latentsync15", "hybrid")


def quick(spec: PluginSpec) -> PluginSpec:
    """The same with other defaults and shorter chunks."""
    if not isinstance(spec, GeneratorSpec) or spec.name not in QUICKER:
        return spec
    options = tuple(replace(o, default=QUICK.get(o.key, o.default)) for o in spec.options)
    return replace(spec, options=options, chunk=replace(spec.chunk, frames=5))


ROWS = [replace(row, specs=tuple(map(quick, row.specs))) for row in load_rows({})]


@pytest.fixture(autouse=True)
def with_weights(home, own_home, syncnet_file: Path) -> None:
    home("latentsync15", "musetalk", "whisper-latentsync")
    own_home({"stable-syncnet/stable_syncnet.pt": syncnet_file})


test_contract = contract_tests("lipsync-latentsync", registry=Registry(ROWS))


@pytest.mark.parametrize(
    "spec",
    [LATENTSYNC15, HYBRID, WHISPER_BOTH, QUADRILATERAL, STABLE_SYNCNET],
    ids=lambda spec: spec.name,
)
def test_what_works_was_not_skipped(spec: PluginSpec):
    assert isinstance(probe(spec), Ready)
