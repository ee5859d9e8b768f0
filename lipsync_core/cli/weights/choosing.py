"""Which weight files the names on the command line stand for."""

from __future__ import annotations

from typing import Annotated

import typer

from lipsync_core.cli.plugins.finding import find_plugins
from lipsync_core.errors import LipsyncError, PluginUnavailable, UsageError
from lipsync_core.registry import Registry
from lipsync_core.weights.entries import Entry, entries

__all__ = ["Name", "Names", "chosen", "demand", "fail"]

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A generator, audio encoder, enhancer, ...")
]
Names = Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Plugins. Default: all.")]


def chosen(names: list[str] | None) -> list[Entry]:
    """The declared files of the named plugins, or of all.

    Raises:
        UsageError: a plugin that needs no weights.
    """
    registry = Registry.load()
    if not names:
        return entries(registry)
    for name in names:
        if not entries(find_plugins(registry, name)):
            raise UsageError(
                f"'{name}' needs no weight files.",
                "Run `lipsync weights list` to see the plugins that do.",
            )
    return entries(spec for name in names for spec in find_plugins(registry, name))


def demand(known: list[Entry], as_json: bool) -> None:
    """Check that every file is here that is not optional, and one at least.

    Raises:
        PluginUnavailable: one is missing.
    """
    from lipsync_core.weights.remedy import remedy

    absent = [e for e in known if not e.weight.optional and e.find() is None]
    if not absent and not any(e.find() for e in known):
        absent = known
    if absent:
        first = absent[0]
        files = [e.weight for e in absent if e.name == first.name]
        error = PluginUnavailable(
            f"Weight files of '{first.name}' are missing: {', '.join(w.path for w in files)}.",
            remedy(first.name, files),
        )
        fail(error, as_json)


def fail(error: LipsyncError, as_json: bool) -> None:
    """End with an error; write it to stderr alone where JSON is on stdout already.

    Raises:
        LipsyncError: `error` itself.
    """
    from lipsync_core.cli.console import show_error

    if not as_json:
        raise error
    show_error(error)
    raise typer.Exit(error.exit_code)
