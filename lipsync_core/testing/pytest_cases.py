"""The contract cases as parametrised pytest tests, for plugin authors and for this project alike.

A plugin's whole test file may be:

    from lipsync_core.testing import contract_tests

    test_contract = contract_tests("mymodel")
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from lipsync_core.conformance.cases import cases_for
from lipsync_core.conformance.check import Result, check_spec
from lipsync_core.registry import Registry
from lipsync_core.specs import Spec


def contract_tests(*names: str, registry: Registry | None = None) -> Callable[..., None]:
    """A test function with one row for every case of every plugin.

    Args:
        names: names of what is offered ("mymodel"), or of an installed plugin package; none means
            everything that is registered.
        registry: where to look; default: what is installed.

    Returns:
        A test; bind it to a name that begins with `test_`.

    Raises:
        LookupError: a name is not registered, for example because the plugin is broken.
    """
    here = registry or Registry.load()
    rows = [
        pytest.param(
            here, spec, case.name, id=f"{spec.kind}-{spec.name}-{case.name}".replace(" ", "_")
        )
        for spec in _chosen(here, names)
        for case in cases_for(spec)
    ]

    @pytest.mark.parametrize(("registry", "spec", "case"), rows)
    def test_contract(registry: Registry, spec: Spec, case: str) -> None:
        """One requirement of the contract."""
        result = _results(registry, spec)[case]
        if result.outcome == "skipped":
            pytest.skip(result.detail)
        assert result.outcome == "passed", result.detail

    return test_contract


def _chosen(registry: Registry, names: tuple[str, ...]) -> list[Spec]:
    if not names:
        return registry.all(Spec)
    chosen: list[Spec] = []
    for name in names:
        rows = [row for row in registry.rows if name in (row.name, row.distribution)]
        found = [spec for spec in registry.all(Spec) if spec.name == name]
        found = found or [spec for row in rows for spec in row.specs]
        if not found:
            why = "; ".join(f"{row.status}: {row.reason}" for row in rows) or "is it installed?"
            raise LookupError(f"No plugin called '{name}' is registered ({why})")
        chosen += found
    return chosen


@cache
def _results(registry: Registry, spec: Spec) -> dict[str, Result]:
    """Open a plugin once for all its cases: loading a model can take longer than the cases."""
    return {result.case: result for result in check_spec(registry, spec)}
