"""Which contract cases a plugin has to pass: those of every plugin, and those of its kind."""

from __future__ import annotations

from lipsync_core.specs import Kind, Spec
from lipsync_core.testing import (
    blender_cases,
    common_cases,
    detector_cases,
    encoder_cases,
    enhancer_cases,
    generator_cases,
    scorer_cases,
    spec_cases,
    voice_cases,
)
from lipsync_core.testing.case import Case

_BY_KIND: dict[Kind, tuple[Case, ...]] = {
    "detector": detector_cases.CASES,
    "audio encoder": encoder_cases.CASES,
    "generator": generator_cases.CASES,
    "enhancer": enhancer_cases.CASES,
    "blender": blender_cases.CASES,
    "scorer": scorer_cases.CASES,
    "voice": voice_cases.CASES,
    "command": (),
}


def cases_for(spec: Spec) -> tuple[Case, ...]:
    """All cases for a spec, cheapest first."""
    opening = common_cases.COMMAND if spec.kind == "command" else common_cases.OPENED
    return (*spec_cases.CASES, *common_cases.CASES, *opening, *_BY_KIND[spec.kind])
