"""Finds plugins, and survives broken ones.

Each entry point of the group `lipsync` is loaded on its own: whatever one of them does at import or
in a hook ends as a `PluginRow` with a reason and a remedy, and every other plugin works.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module, metadata
from types import ModuleType
from typing import Literal, TypeVar

import pluggy

from lipsync_core import hookspecs, specs
from lipsync_core.builtin.catalogue import CATALOGUE
from lipsync_core.contracts import Plugin
from lipsync_core.errors import PluginFault, PluginUnavailable, UsageError

GROUP = "lipsync"
BUILTIN = "builtin"

Status = Literal["ok", "broken", "disabled", "conflict"]
Spec = TypeVar("Spec", bound=specs.PluginSpec)

_HOOK_KINDS: dict[str, type[specs.PluginSpec]] = {
    "lipsync_register_detectors": specs.DetectorSpec,
    "lipsync_register_audio_encoders": specs.AudioEncoderSpec,
    "lipsync_register_generators": specs.GeneratorSpec,
    "lipsync_register_enhancers": specs.EnhancerSpec,
    "lipsync_register_blenders": specs.BlenderSpec,
    "lipsync_register_voices": specs.VoiceSpec,
    "lipsync_register_commands": specs.CommandSpec,
}
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_FACTORY = re.compile(r"[\w.]+:\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginRow:
    """One installed plugin package: what it offers, or why it offers nothing.

    Attributes:
        name: name of the entry point.
        distribution: installed distribution it came with ("" when unknown).
        version: that distribution's version.
        status: "ok", "broken", "disabled" (by the environment) or "conflict" (some names taken).
        reason: why it is not "ok"; empty otherwise.
        remedy: what to do about it; empty otherwise.
        specs: what it registered.
    """

    name: str
    distribution: str = ""
    version: str = ""
    status: Status = "ok"
    reason: str = ""
    remedy: str = ""
    specs: tuple[specs.PluginSpec, ...] = ()


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

    def all(self, of: type[Spec]) -> list[Spec]:
        """All specs of one type, in the order of loading (built-in first)."""
        return [s for s, _ in self._by_name.values() if isinstance(s, of)]

    def get(self, of: type[Spec], name: str) -> Spec:
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

    def row_of(self, spec: specs.PluginSpec) -> PluginRow:
        """The plugin row that registered `spec`."""
        return self._by_name[spec.kind, spec.name][1]

    def __iter__(self) -> Iterator[specs.PluginSpec]:
        return (s for s, _ in self._by_name.values())


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
        raise PluginUnavailable(
            f"{spec.kind.capitalize()} '{spec.name}' needs the package '{error.name}'.",
            f"Install it, or reinstall the plugin that brings '{spec.name}'.",
        ) from error
    except Exception as error:
        raise PluginFault(
            f"{spec.kind.capitalize()} '{spec.name}' cannot be made from '{spec.factory}': "
            f"{_say(error)}.",
            "Reinstall the plugin, or report this to its author.",
        ) from error
    if not isinstance(made, Plugin):
        raise PluginFault(
            f"'{spec.factory}' gave a {type(made).__name__}, which is no lipsync plugin.",
            f"The author must derive it from the contract for a {spec.kind}.",
        )
    return made


@cache
def _installed() -> Registry:
    return Registry(load_rows())


def load_rows(environ: dict[str, str] | None = None) -> list[PluginRow]:
    """Load all entry points of the group, the built-in first, then by name.

    Environment:
        LIPSYNC_PLUGINS: names to load, comma separated; others are disabled (built-in always loads).
        LIPSYNC_DISABLED_PLUGINS: names not to load.
        LIPSYNC_STRICT_PLUGINS: "1" makes a broken plugin an error instead of a row.

    Raises:
        PluginFault: a plugin is broken and LIPSYNC_STRICT_PLUGINS is set.
    """
    env = dict(os.environ) if environ is None else environ
    allowed = _names(env.get("LIPSYNC_PLUGINS"))
    denied = _names(env.get("LIPSYNC_DISABLED_PLUGINS"))
    points = {BUILTIN: metadata.EntryPoint(BUILTIN, "lipsync_core.builtin.plugin", GROUP)}
    for point in metadata.entry_points(group=GROUP):
        points.setdefault(point.name, point)
    points[BUILTIN] = next(
        (p for p in metadata.entry_points(group=GROUP) if p.name == BUILTIN), points[BUILTIN]
    )
    rows: list[PluginRow] = []
    taken: dict[tuple[str, str], str] = {}
    for name in sorted(points, key=lambda n: (n != BUILTIN, n)):
        row = _identity(points[name])
        if name != BUILTIN and (name in denied or (allowed and name not in allowed)):
            why = "LIPSYNC_DISABLED_PLUGINS" if name in denied else "LIPSYNC_PLUGINS"
            rows.append(
                _replace(
                    row, status="disabled", reason=f"{why} keeps it out", remedy=f"Change {why}."
                )
            )
            continue
        row = _without_conflicts(_load_one(points[name], row), taken)
        if row.status == "broken" and env.get("LIPSYNC_STRICT_PLUGINS", "") not in ("", "0"):
            raise PluginFault(f"Plugin '{name}' is broken: {row.reason}", row.remedy)
        rows.append(row)
    return rows


def _names(value: str | None) -> frozenset[str]:
    return frozenset(part.strip() for part in (value or "").split(",") if part.strip())


def _identity(point: metadata.EntryPoint) -> PluginRow:
    dist = point.dist
    if dist is None:
        return PluginRow(name=point.name)
    # A half removed distribution may have lost its metadata file: name and version are then None.
    name = dist.metadata["Name"] if dist.metadata else None
    version = dist.metadata["Version"] if dist.metadata else None
    return PluginRow(name=point.name, distribution=name or "", version=version or "")


def _replace(row: PluginRow, **changes: object) -> PluginRow:
    values = {field: getattr(row, field) for field in PluginRow.__dataclass_fields__}
    return PluginRow(**(values | changes))


def _load_one(point: metadata.EntryPoint, row: PluginRow) -> PluginRow:
    package = row.distribution or point.name

    def broken(reason: str, remedy: str) -> PluginRow:
        return _replace(row, status="broken", reason=reason, remedy=remedy)

    try:
        module = point.load()
    except ModuleNotFoundError as error:
        own = point.value.partition(":")[0].partition(".")[0]
        if error.name and error.name.partition(".")[0] == own:
            return broken(
                f"its module '{error.name}' is not there (half uninstalled?)",
                f"pip install --force-reinstall {package}, or pip uninstall {package}",
            )
        return broken(
            f"it needs the package '{error.name}', which is not installed",
            f"pip install {error.name}, or pip install --force-reinstall {package}",
        )
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return broken(
            f"importing '{point.value}' failed: {_say(error)}",
            f"pip install --upgrade {package}, or set LIPSYNC_DISABLED_PLUGINS={point.name}",
        )
    wanted = getattr(module, "LIPSYNC_API", specs.API_VERSION)
    if not isinstance(wanted, int) or wanted > specs.API_VERSION:
        return broken(
            f"it wants contract version {wanted}; this lipsync-core has {specs.API_VERSION}",
            "pip install --upgrade lipsync-core",
        )
    try:
        found = _collect(module, point.name)
    except PluginFault as fault:
        return broken(fault.message, f"pip install --upgrade {package}, or tell its author")
    return _replace(row, specs=tuple(found))


def _collect(module: ModuleType, name: str) -> list[specs.PluginSpec]:
    """Call each hook of one plugin module and check what it registers."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    marked = [n for n, f in vars(module).items() if getattr(f, f"{hookspecs.PROJECT}_impl", None)]
    unknown = [n for n in marked if n not in _HOOK_KINDS]
    if unknown:
        close = difflib.get_close_matches(unknown[0], _HOOK_KINDS, 1)
        raise PluginFault(
            f"'{unknown[0]}' is no hook" + (f"; '{close[0]}' is meant?" if close else "")
        )
    if not marked:
        raise PluginFault("its module has no hook implementation (missing @hookimpl?)")
    found: list[specs.PluginSpec] = []
    try:
        manager.register(module, name)
        for hook, kind in _HOOK_KINDS.items():

            def register(spec: object, kind: type[specs.PluginSpec] = kind) -> None:
                found.append(_checked(spec, kind))

            getattr(manager.hook, hook)(register=register)
    except PluginFault:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PluginFault(f"its hooks failed: {_say(error)}") from error
    return found


def _checked(spec: object, kind: type[specs.PluginSpec]) -> specs.PluginSpec:
    if not isinstance(spec, kind):
        raise PluginFault(f"it registered a {type(spec).__name__} as {kind.kind}")
    if not _NAME.fullmatch(spec.name):
        raise PluginFault(f"'{spec.name}' is not a usable name (lower case, digits, - and _)")
    if not _FACTORY.fullmatch(spec.factory):
        raise PluginFault(f"factory '{spec.factory}' of '{spec.name}' is not 'module:attribute'")
    return spec


def _without_conflicts(row: PluginRow, taken: dict[tuple[str, str], str]) -> PluginRow:
    kept: list[specs.PluginSpec] = []
    clashes: list[str] = []
    for spec in row.specs:
        key = (spec.kind, spec.name)
        if key in taken:
            clashes.append(f"{spec.kind} '{spec.name}' is already offered by '{taken[key]}'")
        else:
            taken[key] = row.name
            kept.append(spec)
    if not clashes:
        return row
    return _replace(
        row,
        status="conflict",
        specs=tuple(kept),
        reason="; ".join(clashes),
        remedy=f"Uninstall one of them, or set LIPSYNC_DISABLED_PLUGINS={row.name}",
    )


def _say(error: BaseException) -> str:
    """One line for any exception, also for those without a message."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
