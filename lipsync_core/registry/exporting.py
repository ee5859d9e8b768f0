"""Calls a plugin's exporter, and holds it to what specs.py says of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path

from lipsync_core.errors import LipsyncError, PluginFault, PluginUnavailable
from lipsync_core.registry.probing import context_for
from lipsync_core.specs import PluginSpec
from lipsync_core.weights import location
from lipsync_core.weights.remedy import remedy


def export(spec: PluginSpec, format_: str, options: Mapping[str, str]) -> list[Path]:
    """The files that the plugin made in its cache folder.

    Raises:
        PluginUnavailable: its weights are not here.
        PluginFault: the exporter cannot be loaded, fails, or gives no files.
        UsageError: an option that the plugin does not have.
    """
    context = context_for(spec, options=options)
    absent = [w for w in spec.weights if w.path in location.missing(spec)]
    if absent:
        raise PluginUnavailable(
            f"'{spec.name}' cannot be exported: {absent[0].path} is not here.",
            remedy(spec.name, absent),
        )
    if context.cache is not None:
        context.cache.mkdir(parents=True, exist_ok=True)
    module, _, name = (spec.exporter or "").partition(":")
    try:
        made: Iterable[object] = getattr(import_module(module), name)(context, format_)
        paths = [Path(str(path)) for path in made]
    except LipsyncError:
        raise
    except Exception as error:  # whatever a plugin does is its fault, not a traceback
        raise PluginFault(
            f"The export of '{spec.name}' failed: {type(error).__name__}: {error}.",
            "Report this to the plugin's author.",
        ) from error
    absent_files = [path for path in paths if not path.is_file()]
    if not paths or absent_files:
        told = f"{absent_files[0]} is not there" if absent_files else "it made nothing"
        raise PluginFault(
            f"The export of '{spec.name}' gave no files: {told}.",
            "Report this to the plugin's author.",
        )
    return paths
