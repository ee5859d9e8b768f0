"""The contract of lipsync-core, kept with weights that know the bundled portrait.

Without its option `flip`, which runs FAN a second time; `test_faces.py` has it.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from lipsync_face_alignment.spec import FACE_ALIGNMENT

from lipsync_core.contracts import Ready
from lipsync_core.registry import Registry
from lipsync_core.registry.probing import probe
from lipsync_core.specs import PluginSpec
from lipsync_core.testing import contract_tests


@pytest.fixture(autouse=True)
def with_weights(home) -> None:
    home("s3fd-619a316812.pth", "2DFAN4-11f355bf06.pth.tar")


def quick(spec: PluginSpec) -> PluginSpec:
    """The same with another default."""
    if spec != FACE_ALIGNMENT:
        return spec
    options = tuple(replace(o, default=False) if o.key == "flip" else o for o in spec.options)
    return replace(spec, options=options)


# A registry of its own: results are kept by registry, and others may have asked without weights.
ROWS = [replace(row, specs=tuple(map(quick, row.specs))) for row in Registry.load().rows]
test_contract = contract_tests("lipsync-face-alignment", registry=Registry(ROWS))


def test_it_was_ready_so_that_no_case_was_left_out():
    assert isinstance(probe(FACE_ALIGNMENT), Ready)
