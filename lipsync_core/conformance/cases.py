"""Which contract cases a plugin has to pass: those of every plugin, and those of its kind."""

from __future__ import annotations

from importlib import import_module

from lipsync_core.conformance import common_cases, spec_cases
from lipsync_core.conformance.case import Case
from lipsync_core.kinds import kind_of
from lipsync_core.specs import Spec


def cases_for(spec: Spec) -> tuple[Case, ...]:
    """All cases for a spec, cheapest first."""
    kind = kind_of(spec)
    opening = common_cases.COMMAND if kind.contract is None else common_cases.OPENED
    own: tuple[Case, ...] = import_module(kind.cases).CASES if kind.cases else ()
    return (*spec_cases.CASES, *common_cases.CASES, *opening, *own)
