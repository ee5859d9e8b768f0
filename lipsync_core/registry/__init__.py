"""All plugins of this environment: finding a spec by name, and making the object that it describes."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import TypeVar

from lipsync_core import specs
from lipsync_core.contracts import Plugin
from lipsync_core.errors import PluginFault, PluginUnavailable, UsageError
from lipsync_core.registry.catalogue import CATALOGUE
from lipsync_core.registry.loading import BUILTIN, PluginRow, load_rows, say

__all__ = ["BUILTIN", "PluginRow", "Registry", "create", "load_rows"]

AnySpec = TypeVar("AnySpec", bound=specs.Spec)


class Registry:
    """All plugins of this environment.

    Args:
        rows: the rows as loaded; use `Registry.load()` for the installed ones.
    """

    def __init__(self, rows: Sequence[PluginRow]) -> None:
        self.rows = tuple(rows)
        self._by_name = {(s.kind, s.name): (s, row) for row in rows for s in row.specs}

    @classmethod
    def load(cls) -> Registry:
        """Load every installed plugin once per process (see `load_rows`)."""
        return _installed()

    def all(self, of: type[AnySpec]) -> list[AnySpec]:
        """All specs of one type, in the order of loading (built-in first)."""
        return [s for s, _ in self._by_name.values() if isinstance(s, of)]

    def get(self, of: type[AnySpec], name: str) -> AnySpec:
        """The spec of that name.

        Raises:
            PluginUnavailable: its plugin is installed but broken, or is a known one not installed.
            UsageError: there is none; the message lists those there are.
        """
        found = self._by_name.get((of.kind, name))
        if found and isinstance(found[0], of):
            return found[0]
        for row in self.rows:
            if row.status != "ok" and name in (row.name, row.distribution.removeprefix("lipsync-")):
                raise PluginUnavailable(
                    f"Plugin '{name}' is installed but {row.status}: {row.reason}", row.remedy
                )
        if name in CATALOGUE:
            raise PluginUnavailable(
                f"The plugin '{name}' is not installed", f"pip install {CATALOGUE[name]}"
            )
        known = sorted(s.name for s in self.all(of))
        close = difflib.get_close_matches(name, [*known, *CATALOGUE], 1)
        hint = f"Did you mean '{close[0]}'? " if close else ""
        raise UsageError(
            f"There is no {of.kind} called '{name}'.",
            f"{hint}Known here: {', '.join(known) or 'none'}.",
        )

    def row_of(self, spec: specs.Spec) -> PluginRow:
        """The plugin row that registered `spec`."""
        return self._by_name[spec.kind, spec.name][1]

    def __iter__(self) -> Iterator[specs.PluginSpec]:
        """Every plugin that a run can open; verbs of the command line are no such plugins."""
        return iter(self.all(specs.PluginSpec))


def create(spec: specs.PluginSpec) -> Plugin:
    """Import the spec's factory and make the object (not yet opened).

    Raises:
        PluginUnavailable: a package it needs is not installed.
        PluginFault: the factory string leads nowhere, or to something else than a plugin.
    """
    module_name, _, attribute = spec.factory.partition(":")
    try:
        made = getattr(import_module(module_name), attribute)()
    except ModuleNotFoundError as error:
        if error.name and f"{module_name}.".startswith(f"{error.name}."):
            raise PluginFault(
                f"{spec.kind.capitalize()} '{spec.name}' names '{spec.factory}', but there is no module "
                f"'{error.name}'.",
                "Reinstall the plugin, or report this to its author.",
            ) from error
        raise PluginUnavailable(
            f"{spec.kind.capitalize()} '{spec.name}' needs the package '{error.name}'.",
            f"Install it, or reinstall the plugin that brings '{spec.name}'.",
        ) from error
    except (Exception, SystemExit) as error:
        raise PluginFault(
            f"{spec.kind.capitalize()} '{spec.name}' cannot be made from '{spec.factory}': "
            f"{say(error)}.",
            "Reinstall the plugin, or report this to its author.",
        ) from error
    if not isinstance(made, Plugin):
        raise PluginFault(
            f"'{spec.factory}' gave a {type(made).__name__}, which is not a lipsync plugin.",
            f"The author must derive it from the contract for a {spec.kind}.",
        )
    return made


@cache
def _installed() -> Registry:
    return Registry(load_rows())
