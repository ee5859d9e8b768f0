"""Which specs a name on the command line stands for."""

from __future__ import annotations

import difflib

from lipsync_core.errors import PluginFault, PluginUnavailable, UsageError
from lipsync_core.registry import PluginRow, Registry
from lipsync_core.registry.catalogue import CATALOGUE
from lipsync_core.specs import PluginSpec, Spec

__all__ = ["find_plugins", "find_specs"]


def find_specs(registry: Registry, name: str) -> list[Spec]:
    """The specs called `name`, or else all of the plugin or distribution of that name.

    Raises:
        PluginFault: the plugin of that name is broken.
        PluginUnavailable: it is disabled by the environment, or is a known one that is not installed.
        UsageError: nothing has that name.
    """
    everything = registry.all(Spec)
    specs = [spec for spec in everything if spec.name == name]
    for row in registry.rows:
        if not specs and name in (row.name, row.distribution):
            specs = _of_row(row, name)
    if not specs and name in CATALOGUE:
        raise PluginUnavailable(
            f"The plugin '{name}' is not installed.", f"pip install {CATALOGUE[name]}"
        )
    if not specs:
        known = sorted({spec.name for spec in everything})
        close = difflib.get_close_matches(name, [*known, *CATALOGUE], 1)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        raise UsageError(f"Unknown plugin '{name}'.{hint}", f"Known here: {', '.join(known)}.")
    return specs


def find_plugins(registry: Registry, name: str) -> list[PluginSpec]:
    """The same without verbs of the command line.

    Raises:
        LipsyncError: as `find_specs`.
    """
    return [spec for spec in find_specs(registry, name) if isinstance(spec, PluginSpec)]


def _of_row(row: PluginRow, name: str) -> list[Spec]:
    if row.status == "disabled":
        raise PluginUnavailable(f"Plugin '{name}' is disabled: {row.reason}.", row.remedy)
    if not row.specs and row.status != "ok":
        raise PluginFault(f"Plugin '{name}' is {row.status}: {row.reason}.", row.remedy)
    return list(row.specs)
