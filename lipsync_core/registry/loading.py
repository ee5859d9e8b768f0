"""Loads what is installed, one plugin at a time, and survives broken ones.

Each entry point of the group `lipsync` is loaded on its own: whatever one of them does at import or
in a hook ends as a `PluginRow` with a reason and a remedy, and every other plugin works.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import metadata
from inspect import isroutine
from types import ModuleType
from typing import Literal

import pluggy

from lipsync_core import hookspecs, specs
from lipsync_core.errors import PluginFault
from lipsync_core.kinds import KINDS

GROUP = "lipsync"
BUILTIN = "builtin"
"""Name of the row of the plugins that come with the core."""

Status = Literal["ok", "broken", "disabled", "conflict"]

_HOOKS = {kind.hook: kind for kind in KINDS}
_MARK = f"{hookspecs.PROJECT}_impl"
"""Attribute by which pluggy's marker flags a function."""
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
    specs: tuple[specs.Spec, ...] = ()


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
    strict = env.get("LIPSYNC_STRICT_PLUGINS", "") not in ("", "0")
    builtin, points, rows = _entry_points()
    taken: dict[tuple[str, str], str] = {}
    loaded = [_without_conflicts(_load_one(builtin, _identity(builtin)), taken)]
    for point in sorted(points, key=lambda p: (p.name, p.value)):
        row, name = _identity(point), point.name
        if name in denied or (allowed and name not in allowed):
            why = "LIPSYNC_DISABLED_PLUGINS" if name in denied else "LIPSYNC_PLUGINS"
            changes = {"reason": f"{why} keeps it out", "remedy": f"Change {why}."}
            rows.append(_replace(row, status="disabled", **changes))
        elif name == BUILTIN:
            rows.append(_replace(row, status="broken", **_NAMED_BUILTIN))
        else:
            rows.append(_without_conflicts(_load_one(point, row), taken))
    for row in (*loaded, *rows):
        if strict and row.status == "broken":
            raise PluginFault(f"Plugin '{row.name}' is broken: {row.reason}", row.remedy)
    return [*loaded, *sorted(rows, key=lambda row: row.name)]


_BUILTIN_MODULE = "lipsync_core.builtin.plugin"
_NAMED_BUILTIN = {
    "reason": f"its entry point is called '{BUILTIN}', the name of what comes with lipsync-core",
    "remedy": "The author must give the entry point another name.",
}


def _entry_points() -> tuple[metadata.EntryPoint, list[metadata.EntryPoint], list[PluginRow]]:
    """The built-in entry point, all others, and a row for each distribution that cannot be read.

    One damaged `entry_points.txt`, of whatever package, makes `metadata.entry_points` fail as a whole;
    then each distribution is read on its own.
    """
    rows: list[PluginRow] = []
    try:
        found = list(metadata.entry_points(group=GROUP))
    except Exception:  # noqa: BLE001 - importlib.metadata lets any parsing error through
        found = []
        for dist in metadata.distributions():
            try:
                found += dist.entry_points.select(group=GROUP)
            except Exception as error:  # noqa: BLE001 - as above
                rows += _unreadable(dist, error)
    builtin = metadata.EntryPoint(BUILTIN, _BUILTIN_MODULE, GROUP)
    ours = [p for p in found if p.name == BUILTIN and p.value == _BUILTIN_MODULE]
    return (ours or [builtin])[0], list(dict.fromkeys(p for p in found if p not in ours)), rows


def _unreadable(dist: metadata.Distribution, error: Exception) -> list[PluginRow]:
    """A row, if it looks like one of our plugins; other people's packages are none of our business."""
    try:
        text, name = dist.read_text("entry_points.txt") or "", dist.metadata["Name"] or ""
    except Exception:  # noqa: BLE001 - then it cannot be attributed to anyone
        return []
    if f"[{GROUP}]" not in text:
        return []
    return [
        PluginRow(
            name=name.removeprefix("lipsync-"),
            distribution=name,
            status="broken",
            reason=f"its entry_points.txt cannot be read: {say(error)}",
            remedy=f"pip install --force-reinstall {name}, or pip uninstall {name}",
        )
    ]


def _names(value: str | None) -> frozenset[str]:
    return frozenset(part.strip() for part in (value or "").split(",") if part.strip())


def _identity(point: metadata.EntryPoint) -> PluginRow:
    dist = point.dist
    if dist is None:
        return PluginRow(name=point.name)
    # A half removed distribution may have lost its metadata file: name and version are then None.
    told = dist.metadata  # parsed at each access
    name = told["Name"] if told else None
    version = told["Version"] if told else None
    return PluginRow(name=point.name, distribution=name or "", version=version or "")


def _replace(row: PluginRow, **changes: object) -> PluginRow:
    values = {field: getattr(row, field) for field in PluginRow.__dataclass_fields__}
    return PluginRow(**(values | changes))


def _load_one(point: metadata.EntryPoint, row: PluginRow) -> PluginRow:
    package = row.distribution or point.name

    def broken(reason: str, remedy: str) -> PluginRow:
        return _replace(row, status="broken", reason=reason, remedy=remedy)

    try:
        with redirect_stdout(sys.stderr):  # what it prints must not end up in `--json`
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
    except BaseException as error:  # noqa: BLE001 - sys.exit at import must not end the tool
        return broken(
            f"importing '{point.value}' failed: {say(error)}",
            f"pip install --upgrade {package}, or set LIPSYNC_DISABLED_PLUGINS={point.name}",
        )
    if not isinstance(module, ModuleType):
        return broken(
            f"its entry point '{point.value}' names a {type(module).__name__}, not a module",
            f"pip install --upgrade {package}, or tell its author",
        )
    wanted = vars(module).get("LIPSYNC_API", specs.API_VERSION)
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


def _collect(module: ModuleType, name: str) -> list[specs.Spec]:
    """Call each hook of one plugin module and check what it registers."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    marked = [n for n, f in vars(module).items() if isroutine(f) and hasattr(f, _MARK)]
    unknown = [n for n in marked if n not in _HOOKS]
    if unknown:
        close = difflib.get_close_matches(unknown[0], _HOOKS, 1)
        raise PluginFault(
            f"Unknown hook '{unknown[0]}'." + (f" Did you mean '{close[0]}'?" if close else "")
        )
    if not marked:
        raise PluginFault("its module has no hook implementation (missing @hookimpl?)")
    found: list[specs.Spec] = []
    try:
        with redirect_stdout(sys.stderr):
            manager.register(module, name)
            _call_hooks(manager, found)
    except PluginFault:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PluginFault(f"its hooks failed: {say(error)}") from error
    return found


def _call_hooks(manager: pluggy.PluginManager, found: list[specs.Spec]) -> None:
    for kind in KINDS:

        def register(spec: object, wanted: type[specs.Spec] = kind.spec) -> None:
            found.append(_checked(spec, wanted))

        getattr(manager.hook, kind.hook)(register=register)


def _checked(spec: object, kind: type[specs.Spec]) -> specs.Spec:
    if not isinstance(spec, kind):
        told = spec.__name__ if isinstance(spec, type) else type(spec).__name__
        raise PluginFault(f"it registered a {told} as {kind.kind}")
    if not isinstance(spec.name, str) or not _NAME.fullmatch(spec.name):
        raise PluginFault(f"'{spec.name}' is not a usable name (lower case, digits, - and _)")
    if not isinstance(spec.factory, str) or not _FACTORY.fullmatch(spec.factory):
        raise PluginFault(f"factory '{spec.factory}' of '{spec.name}' is not 'module:attribute'")
    return spec


def _without_conflicts(row: PluginRow, taken: dict[tuple[str, str], str]) -> PluginRow:
    kept: list[specs.Spec] = []
    clashes: list[str] = []
    for spec in row.specs:
        key = (spec.kind, spec.name)
        if key in taken:
            clashes.append(f"{spec.kind} '{spec.name}' is already offered by '{taken[key]}'")
        else:
            taken[key] = row.distribution or row.name
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


def say(error: BaseException) -> str:
    """One line for any exception, also for those without a message."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
