"""The contract of lipsync-core, kept with narrow networks of the published architecture.

With two steps, without guidance, and in chunks of 6 frames; the defaults take fifty times as long. The
network of 512x512 is the same with more pixels: `test_run.py` makes videos with it, and in whole chunks.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from lipsync_latentsync.spec import LATENTSYNC15

from lipsync_core.contracts import Ready
from lipsync_core.loading import load_rows
from lipsync_core.probing import probe
from lipsync_core.registry import Registry
from lipsync_core.specs import GeneratorSpec, PluginSpec
from lipsync_core.testing import contract_tests

QUICK = {"steps": 2, "guidance": 1.0}


def quick(spec: PluginSpec) -> PluginSpec:
    """The same with other defaults and shorter chunks."""
    if not isinstance(spec, GeneratorSpec) or spec.name not in ("latentsync", "latentsync15"):
        return spec
    options = tuple(replace(o, default=QUICK.get(o.key, o.default)) for o in spec.options)
    return replace(spec, options=options, chunk=replace(spec.chunk, frames=6))


ROWS = [replace(row, specs=tuple(map(quick, row.specs))) for row in load_rows({})]


@pytest.fixture(autouse=True)
def with_weights(home) -> None:
    home("latentsync15", "whisper-latentsync")


test_contract = contract_tests("lipsync-latentsync", registry=Registry(ROWS))


def test_what_works_was_not_skipped():
    assert isinstance(probe(LATENTSYNC15), Ready)
