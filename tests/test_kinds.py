"""Everything that depends on the kinds of plugins derives from one table."""

from __future__ import annotations

import inspect
from importlib import import_module

import pytest

from lipsync_core import contracts, hookspecs, specs
from lipsync_core.conformance.cases import cases_for
from lipsync_core.kinds import KINDS, kind_of
from lipsync_core.registry import Registry


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_is_complete(kind):
    hook = getattr(hookspecs, kind.hook)
    assert list(inspect.signature(hook).parameters) == ["register"]
    assert hook.lipsync_spec is not None, "pluggy sees a specification"
    assert kind.spec.__name__ in hook.__annotations__["register"]
    assert kind.spec.kind == kind.name
    if kind.contract is not None:
        assert issubclass(kind.contract, contracts.Plugin)
        assert kind.cases is not None and import_module(kind.cases).CASES


def test_no_spec_is_without_a_kind():
    declared = {
        value
        for value in vars(specs).values()
        if inspect.isclass(value) and issubclass(value, specs.Spec)
    } - {specs.Spec, specs.PluginSpec}
    assert declared == {kind.spec for kind in KINDS}
    implemented = set(contracts.Plugin.__subclasses__())
    ours = {kind for kind in implemented if kind.__module__ == contracts.__name__}
    assert ours == {kind.contract for kind in KINDS if kind.contract}


def test_every_installed_plugin_has_its_kinds_cases():
    for spec in Registry.load():
        kind = kind_of(spec)
        if kind.cases:
            own = import_module(kind.cases).CASES
            assert set(own) <= set(cases_for(spec))


def test_a_specification_is_never_called():
    with pytest.raises(NotImplementedError):
        getattr(hookspecs, KINDS[0].hook)(register=print)
