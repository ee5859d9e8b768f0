"""What the cases of one plugin share: its spec, its probe's answer, and opened objects to try."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from types import TracebackType
from typing import Any, TypeVar, cast

from lipsync_core.conformance.verdict import Fault, NotApplicable
from lipsync_core.contracts import (
    OpenContext,
    Plugin,
    ProbeResult,
    Unavailable,
)
from lipsync_core.kinds import kind_of
from lipsync_core.registry import Registry, create
from lipsync_core.registry.probing import context_for, probe
from lipsync_core.specs import PluginSpec, Spec

Made = TypeVar("Made")


class Bench:
    """One plugin under test. Closing it closes every object that it opened.

    Args:
        registry: where the spec and those that it names are found.
        spec: the plugin under test.
    """

    def __init__(self, registry: Registry, spec: Spec) -> None:
        self.registry = registry
        self.spec = spec
        self._opened: list[Plugin] = []
        self._shared: Plugin | Fault | None = None
        self._kept: dict[str, Any] = {}

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for plugin in self._opened:
            with suppress(Exception):  # the case on closing reports a failing close
                plugin.close()

    @property
    def plugin(self) -> PluginSpec:
        """The spec, where it is of a plugin that can be opened.

        Raises:
            NotApplicable: it is a verb of the command line.
        """
        if not isinstance(self.spec, PluginSpec):
            raise NotApplicable("a verb of the command line is not opened")
        return self.spec

    @cached_property
    def context(self) -> OpenContext:
        """What a run on this computer would open it with."""
        return context_for(self.plugin)

    @cached_property
    def probed(self) -> ProbeResult:
        """The probe's answer."""
        return probe(self.plugin, self.context)

    def kept(self, name: str, make: Callable[[], Made]) -> Made:
        """What `make` gave for the first case that asked for this name."""
        if name not in self._kept:
            self._kept[name] = make()
        return cast(Made, self._kept[name])

    def fresh(self) -> Plugin:
        """A new opened object.

        Raises:
            NotApplicable: the probe says that it cannot run here.
            Fault: it cannot be made or opened although the probe says Ready.
        """
        if isinstance(self.probed, Unavailable):
            raise NotApplicable(f"cannot run here: {self.probed.reason}. {self.probed.hint}")
        made = self.made()
        try:
            made.open(self.context)
        except (Exception, SystemExit) as error:
            raise Fault(
                f"open raised {type(error).__name__}: {error}; the probe says Ready, so either make open "
                "work or let the probe say what is missing."
            ) from error
        self._opened.append(made)
        return made

    def made(self) -> Plugin:
        """A new object, not opened.

        Raises:
            Fault: the factory does not give an object of the right contract.
        """
        wanted = kind_of(self.spec).contract
        assert wanted is not None, "commands are never opened"
        try:
            made = create(self.plugin)
        except Exception as error:
            raise Fault(
                f"'{self.spec.factory}' cannot be made: {error} Let the factory name an importable class "
                f"whose __init__ takes no arguments."
            ) from error
        if not isinstance(made, wanted) or not isinstance(made, Plugin):
            raise Fault(
                f"'{self.spec.factory}' gives a {type(made).__name__}: derive it from "
                f"lipsync_core.contracts.{wanted.__name__}."
            )
        return made

    def shared(self) -> Plugin:
        """The opened object that most cases use; opened once.

        Raises:
            NotApplicable: it cannot run here, or has failed to open (which is a case of its own).
        """
        if self._shared is None:
            try:
                self._shared = self.fresh()
            except Fault as fault:
                self._shared = fault
        if isinstance(self._shared, Fault):
            raise NotApplicable("it could not be opened, see 'opens and closes twice'")
        return self._shared
